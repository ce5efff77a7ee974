#pragma once

#include <certherd/base/time.hpp>
#include <certherd/model/dns_facts.hpp>
#include <certherd/model/failure.hpp>
#include <certherd/model/finding.hpp>
#include <certherd/model/generation.hpp>
#include <certherd/model/phase.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd {

/// Who caused a Run.
struct Actor {
  enum class Kind { scheduler, user, token };
  Kind kind = Kind::scheduler;
  std::string id;     ///< user: numeric uid; token: its id
  std::string label;  ///< user: login name; token: its label
};

/// "scheduler", "user:0:root", "token:7:ci".
std::string to_string(const Actor& actor);
std::optional<Actor> parse_actor(std::string_view text);

enum class Outcome {
  deployed,              ///< published and every hook succeeded
  deployed_hook_failed,  ///< published, a hook failed
  failed,                ///< nothing published
  blocked,               ///< foreseen to fail: nothing was asked of the CA
  interrupted            ///< certherd was told to stop or died
};

std::string_view to_string(Outcome outcome);  ///< "deployed", "deployed, hook failed", "failed" …
std::optional<Outcome> parse_outcome(std::string_view text);

/// What a child process used, as the kernel counts it (getrusage(2)).
struct ResourceUse {
  Milliseconds user{0};
  Milliseconds system{0};
  long max_rss_kib = 0;
};

/// One execution of certbot.
struct Attempt {
  int number = 1;  ///< within the Run
  TimePoint started;
  TimePoint ended;
  std::string certbot_version;
  std::string command_line;      ///< redacted, quoted for a shell
  std::optional<int> exit_code;  ///< absent when a signal ended it or it could not be started
  std::optional<int> signal;
  ResourceUse usage;
  PhaseTimeline timeline;
  std::vector<ServerVisibility> visibility;  ///< of the TXT records, while certbot waited for propagation
  std::optional<Milliseconds> wait_ended;    ///< when certherd ended certbot's wait, from its begin; absent: it did not
  std::optional<Failure> failure;
};

/// One owed execution of a Hook, and how it went.
struct HookJob {
  std::string run;
  std::string hook;
  std::string event;  ///< "deployed", "failed", "expiring", "recovered"
  int position = 0;   ///< order within the Run
  bool done = false;  ///< has succeeded
  int tries = 0;
  TimePoint started;
  Milliseconds duration{0};
  std::string error;   ///< why the last try failed
  std::string output;  ///< what the last try printed: bounded, printable, redacted
  std::string certificate;
  std::optional<TimePoint> next_try;  ///< when it may be tried again; nullopt: at once
  bool dropped = false;               ///< given up without success, `error` says why: no longer owed
  std::string ran_with;  ///< "<run>/<position>" of the HookJob whose execution served this one too; empty: its own
};

/// One wish to get or renew one Certificate, from decision to outcome.
struct Run {
  std::string id;  ///< sortable by time, unique: "20261123T214418Z-example.com-1f3a"
  std::string certificate;
  std::vector<std::string> domains;
  std::string provider;
  std::string account;
  std::string ca;
  Actor actor;
  std::string reason;  ///< why it was due: "missing", "renewal time reached", "forced" …
  TimePoint started;
  TimePoint ended;
  std::optional<Outcome> outcome;  ///< absent while it runs
  std::vector<Finding> findings;   ///< of its preflight: warnings and what blocked it
  std::vector<Attempt> attempts;
  PhaseTimeline timeline;  ///< of the whole Run, the Spans of its Attempts among them
  std::optional<Failure> failure;
  std::optional<Generation> generation;  ///< what was published
  std::vector<HookJob> hook_jobs;
};

}  // namespace certherd
