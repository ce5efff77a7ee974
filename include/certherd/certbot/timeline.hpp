#pragma once

#include <certherd/base/time.hpp>
#include <certherd/certbot/log_record.hpp>
#include <certherd/model/phase.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::certbot {

/// An ACME problem document (RFC 8555 §6.7), from an HTTP answer, an order or a challenge.
struct Problem {
  std::string type;    ///< "urn:ietf:params:acme:error:dns"
  std::string detail;  ///< the CA's words
  std::string domain;  ///< the identifier it names, or that of the authorization it stands in
  int status = 0;      ///< HTTP status, 0 when the document has none
};

/// One authorization of the order (RFC 8555 §7.1.4), as the CA last showed it.
struct Authorization {
  std::string url;
  std::string domain;  ///< without "*."
  bool wildcard = false;
  std::string status;         ///< "pending", "valid", "invalid" …
  std::string challenge_url;  ///< of dns-01; empty when the CA offers none
  std::string token;          ///< of dns-01
  std::optional<Problem> problem;
};

/// One answer from the CA.
struct Exchange {
  std::string method;
  std::string url;
  int status = 0;  ///< 0: no answer was logged
};

/// What a debug log says besides the phases.
struct LogFacts {
  bool any = false;                              ///< a record was seen at all
  std::string certbot_version;                   ///< "2.1.0", "5.7.0.dev0"
  std::map<std::string, std::string> directory;  ///< the CA's resources by name: "newOrder" -> URL (RFC 8555 §7.1.1)
  std::string order_url;
  std::string finalize_url;
  std::vector<std::string> identifiers;       ///< of the order, in the CA's order
  std::vector<Authorization> authorizations;  ///< in the order they were fetched
  std::optional<Seconds> announced;           ///< the wait for propagation that certbot announced
  std::optional<Milliseconds> skew;           ///< the CA's clock (its last Date header) minus ours
  std::optional<Seconds> retry_after;         ///< of the last answer that refused something, from when it came
  std::optional<Exchange> exchange;           ///< the last one begun with the CA
  std::optional<Problem> problem;             ///< the last one the CA sent; a retried badNonce is forgotten
  std::string saved_at;                       ///< "Certificate is saved at: "
  std::string hint;                           ///< certbot's own hint, without "Hint: "
  std::vector<std::string> errors;            ///< what certbot told the user in the end, one entry a record
  std::vector<std::string> exceptions;        ///< "module.Class: text" of the final traceback, the first cause first
  bool in_plugin_loading = false;             ///< the final traceback goes through certbot's plugin loader
  std::vector<std::string> recovery_errors;   ///< "Encountered exception during recovery: …"
};

/// Follows an Attempt through its debug log, live: which phase it is in, since when, and what the log says.
///
/// Boundaries are matched by HTTP exchange and by messages of certbot's core, never by provider (reference:
/// certbot 2.1.0, 4.0.0 and 5.x logs). A record older than the last boundary counts as of that boundary, so a clock
/// that steps back makes no negative Span.
class Tracker {
public:
  /// Called when a Phase begins; with the announced wait for `propagation`.
  using PhaseCallback = std::function<void(Phase, TimePoint, std::optional<Seconds> announced)>;

  explicit Tracker(TimePoint spawned, PhaseCallback callback = {});

  /// A record whose lines may not all have arrived: moves the phase on, by its first line alone.
  void preview(const LogRecord& record);
  /// A whole record.
  void feed(const LogRecord& record);
  /// The child ended; no record follows. `failed` marks the Span in which it happened.
  void finish(TimePoint exited, bool failed);

  Phase phase() const { return spans_.back().phase; }
  /// The Phase that failed if the Attempt failed: cleanup after an error is not where the error was.
  Phase failing_phase() const;
  /// Cleaning up has begun, or certbot has gone on to finalize: a TERM would now throw away what is as good as issued.
  bool past_cleanup() const;
  /// The authorizations that were asked for are all valid.
  bool validated() const;
  const LogFacts& facts() const { return facts_; }
  PhaseTimeline timeline() const { return {spans_}; }

private:
  void begin(Phase phase, TimePoint time, std::optional<Seconds> announced = {});
  void postpone(TimePoint time);
  void read_answer(const LogRecord& record);
  void read_final(const LogRecord& record);

  std::vector<Span> spans_;  ///< the last one is open until finish()
  PhaseCallback callback_;
  LogFacts facts_;
  bool only_named_ = false;  ///< in provision nothing was seen yet but names of challenges
};

}  // namespace certherd::certbot
