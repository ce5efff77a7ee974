#pragma once

#include <certherd/model/run.hpp>

#include <support/texts.hpp>

#include <string>
#include <vector>

namespace certherd::test {

inline TimePoint at(int milliseconds) {
  return *parse_utc("2026-11-23T12:00:00Z") + Milliseconds(milliseconds);
}

inline Failure sample_failure() {
  Failure failure;
  failure.failure_class = FailureClass::txt_missing;
  failure.phase = Phase::validation;
  failure.error = "Some challenges have failed.\n\"quoted\" — ünïcode";
  failure.problem_type = "urn:ietf:params:acme:error:dns";
  failure.problem_detail = "DNS problem: NXDOMAIN looking up TXT";
  failure.problem_domain = "example.com";
  failure.hint = "The Certificate Authority failed to verify";
  failure.fix = "raise propagation_seconds";
  failure.retry_after = Seconds(3600);
  return failure;
}

/// A Run as it begins.
inline Run sample_run(const std::string& id = "20261123T120000Z-example.com-1f3a",
                      const std::string& certificate = "example.com", int started = 0) {
  Run run;
  run.id = id;
  run.certificate = certificate;
  run.domains = {certificate, "*." + certificate};
  run.provider = "cloudflare";
  run.account = "cloudflare-main";
  run.ca = "letsencrypt";
  run.actor = {Actor::Kind::user, "0", "root"};
  run.reason = "renewal time reached";
  run.started = at(started);
  return run;
}

/// An owed HookJob that was not tried yet.
inline HookJob sample_job(const std::string& run, int position, const std::string& hook,
                          const std::string& certificate = "example.com") {
  HookJob job;
  job.run = run;
  job.hook = hook;
  job.event = "deployed";
  job.position = position;
  job.certificate = certificate;
  return job;
}

/// A Run with something in each of its members: a failed Attempt, a good one, a Generation and two HookJobs.
inline Run rich_run() {
  Run run = sample_run();
  Attempt first;
  first.number = 1;
  first.started = at(100);
  first.ended = at(5100);
  first.certbot_version = "2.1.0";
  first.command_line = "certbot certonly --cert-name 'example.com'";
  first.exit_code = 1;
  first.usage = {Milliseconds(700), Milliseconds(80), 65432};
  first.timeline.spans = {{Phase::startup, at(100), Milliseconds(1000), false},
                          {Phase::validation, at(1100), Milliseconds(4000), true}};
  first.visibility = {{"ns1.example.com", "192.0.2.1:53", Milliseconds(1234), ""},
                      {"ns2.example.com", "192.0.2.2:53", std::nullopt, "SERVFAIL"}};
  first.wait_ended = Milliseconds(2345);
  first.failure = sample_failure();
  Attempt second;
  second.number = 2;
  second.started = at(6000);
  second.ended = at(9000);
  second.certbot_version = "2.1.0";
  second.command_line = "certbot certonly --force-renewal";
  second.signal = 15;
  second.timeline.spans = {{Phase::startup, at(6000), Milliseconds(3000), false}};
  run.findings = {
      {Finding::Severity::warning, Finding::Topic::servers, "example.com", "ns2 does not answer", "Repair it."},
      {Finding::Severity::blocking, Finding::Topic::caa, "*.example.com", "CAA forbids it", "Add \"a\"."}};
  run.attempts = {first, second};
  run.ended = at(12345);
  run.outcome = Outcome::deployed_hook_failed;
  run.timeline.spans = {{Phase::queue, at(0), Milliseconds(100), false},
                        {Phase::startup, at(100), Milliseconds(1000), false},
                        {Phase::hooks, at(11000), Milliseconds(1345), true}};
  run.failure = sample_failure();
  run.failure->failure_class = FailureClass::interrupted;
  run.failure->phase.reset();
  run.failure->retry_after.reset();
  Generation generation{"example.com", 7, "/var/lib/certherd/generations/example.com/7", {}};
  generation.facts = {
      {"example.com", "*.example.com"}, "1f3a", "R3", "ecdsa secp256r1", "", at(-3'600'000), at(86'400'000)};
  run.generation = generation;
  HookJob reload = sample_job(run.id, 1, "reload-nginx");
  reload.done = true;
  reload.tries = 1;
  reload.started = at(11000);
  reload.duration = Milliseconds(40);
  reload.output = "reloaded\n";
  reload.ran_with = "20261123T115959Z-example.org-0001/1";
  HookJob tell = sample_job(run.id, 2, "tell-chat");
  tell.tries = 3;
  tell.started = at(11100);
  tell.duration = Milliseconds(500);
  tell.error = "HTTP status 500";
  tell.next_try = at(71100);
  run.hook_jobs = {reload, tell};
  return run;
}

/// A Run that is over, ten milliseconds after it began.
inline Run ended_run(const std::string& id, const std::string& certificate, int started, Outcome outcome) {
  Run run = sample_run(id, certificate, started);
  run.ended = at(started + 10);
  run.outcome = outcome;
  if (outcome == Outcome::failed) run.failure = sample_failure();
  return run;
}

/// Their ids, in their order.
inline Texts ids(const std::vector<Run>& runs) {
  Texts texts;
  for (const auto& run : runs) texts.push_back(run.id);
  return texts;
}

}  // namespace certherd::test
