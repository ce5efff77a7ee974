#include <certherd/service/json.hpp>

#include "json_node.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cmath>
#include <limits>

namespace certherd::service {
namespace {

Phase phase_of(const JsonNode& node) {
  return node.word(parse_phase, "Phase");
}

PhaseTimeline timeline_of(const JsonNode& node) {
  PhaseTimeline timeline;
  for (const auto& item : node.items())
    timeline.spans.push_back({phase_of(item["phase"]), item["start"].time(), item["seconds"].duration(),
                              item.object().contains("failed") && item["failed"].boolean()});
  return timeline;
}

Attempt attempt_of(const JsonNode& node) {
  const auto number = [](const JsonNode& value) { return value.whole<int>(); };
  Attempt attempt;
  attempt.number = number(node["number"]);
  attempt.started = node["started"].time();
  attempt.ended = node["ended"].time();
  attempt.certbot_version = node["certbot_version"].text();
  attempt.command_line = node["command"].text();
  attempt.exit_code = node["exit_code"].optional(number);
  attempt.signal = node["signal"].optional(number);
  attempt.usage = {node["user_seconds"].duration(), node["system_seconds"].duration(),
                   node["max_rss_kib"].whole<long>()};
  attempt.timeline = timeline_of(node["phases"]);
  for (const auto& item : node["visibility"].items())
    attempt.visibility.push_back({item["server"].text(), item["address"].text(),
                                  item["seconds"].optional([](const JsonNode& time) { return time.duration(); }),
                                  item["error"].text_or_empty()});
  attempt.wait_ended = node["wait_ended_seconds"].optional([](const JsonNode& time) { return time.duration(); });
  attempt.failure = node["failure"].optional(failure_of);
  return attempt;
}

HookJob hook_job_of(const JsonNode& node) {
  HookJob job;
  job.run = node["run"].text();
  job.hook = node["hook"].text();
  job.event = node["event"].text();
  job.position = node["position"].whole<int>();
  job.done = node["done"].boolean();
  job.tries = node["tries"].whole<int>();
  job.started = node["started"].time_or_none();
  job.duration = node["seconds"].duration();
  job.error = node["error"].text_or_empty();
  job.output = node["output"].text();
  job.certificate = node["certificate"].text();
  job.next_try = node["next_try"].optional([](const JsonNode& time) { return time.time(); });
  job.dropped = node["dropped"].boolean();
  job.ran_with = node["ran_with"].text();
  return job;
}

}  // namespace

Failure failure_of(const JsonNode& node) {
  Failure failure;
  failure.failure_class = node["class"].word(parse_failure_class, "FailureClass");
  failure.phase = node["phase"].optional(phase_of);
  failure.error = node["error"].text();
  failure.problem_type = node["problem_type"].text_or_empty();
  failure.problem_detail = node["problem_detail"].text_or_empty();
  failure.problem_domain = node["problem_domain"].text_or_empty();
  failure.hint = node["hint"].text_or_empty();
  // Where nothing more is known the fix of the class was written in its place.
  failure.fix = node["fix"].text();
  if (failure.fix == traits(failure.failure_class).fix) failure.fix.clear();
  failure.retry_after = node["retry_after_seconds"].optional(
      [](const JsonNode& seconds) { return Seconds(seconds.whole<std::int64_t>()); });
  return failure;
}

std::vector<std::string> texts_of(const JsonNode& node) {
  std::vector<std::string> texts;
  for (const auto& item : node.items()) texts.push_back(item.text());
  return texts;
}

CertificateFacts facts_of(const JsonNode& node) {
  CertificateFacts facts;
  facts.domains = texts_of(node["domains"]);
  facts.serial = node["serial"].text();
  facts.issuer = node["issuer"].text();
  facts.key = node["key"].text();
  facts.not_before = node["not_before"].time();
  facts.not_after = node["not_after"].time();
  return facts;
}

Finding finding_of(const JsonNode& node) {
  Finding finding;
  finding.severity = node["severity"].word(parse_severity, "severity of a Finding");
  finding.topic = node["topic"].word(parse_topic, "topic of a Finding");
  finding.domain = node["domain"].text();
  finding.seen = node["seen"].text();
  finding.fix = node["fix"].text_or_empty();
  return finding;
}

Run run_of(const JsonNode& node) {
  Run run;
  run.id = node["run"].text();
  run.certificate = node["certificate"].text();
  run.domains = texts_of(node["domains"]);
  run.provider = node["provider"].text();
  run.account = node["account"].text_or_empty();
  run.ca = node["ca"].text();
  run.actor = node["actor"].word(parse_actor, "Actor");
  run.reason = node["reason"].text();
  run.started = node["started"].time();
  run.ended = node["ended"].time_or_none();
  run.outcome = node["outcome"].optional([](const JsonNode& text) { return text.word(parse_outcome, "Outcome"); });
  run.failure = node["failure"].optional(failure_of);
  for (const auto& item : node["findings"].items()) run.findings.push_back(finding_of(item));
  run.timeline = timeline_of(node["phases"]);
  for (const auto& item : node["attempts"].items()) run.attempts.push_back(attempt_of(item));
  for (const auto& item : node["hooks"].items()) run.hook_jobs.push_back(hook_job_of(item));
  run.generation = node["generation"].optional([&](const JsonNode& generation) {
    return Generation{run.certificate, generation["number"].whole<int>(), generation["directory"].text(),
                      facts_of(generation["certificate"])};
  });
  return run;
}

Result<Run> run_from_json(const json::value& value) {
  try {
    return run_of({value, "run"});
  } catch (const Failed& failed) {
    return failed.fault();
  }
}

}  // namespace certherd::service
