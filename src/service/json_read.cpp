#include <certherd/service/json.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cmath>
#include <limits>

namespace certherd::service {
namespace json = boost::json;
namespace {

[[noreturn]] void wrong(const std::string& place, const std::string& what) {
  throw Failed({"the record of a Run cannot be read: " + place + " " + what,
                "the service and this program may be of different versions: restart the service",
                {}});
}

/// A value and where it stands, for the Fault.
struct Node {
  const json::value& value;
  std::string place;

  bool is_null() const { return value.is_null(); }

  const json::object& object() const {
    if (!value.is_object()) wrong(place, "is no object");
    return value.get_object();
  }

  Node operator[](const char* key) const {
    const json::value* const found = object().if_contains(key);
    const std::string inner = place == "run" ? key : place + "." + key;
    if (!found) wrong(inner, "is missing");
    return {*found, inner};
  }

  std::vector<Node> items() const {
    if (!value.is_array()) wrong(place, "is no array");
    std::vector<Node> nodes;
    for (const auto& item : value.get_array())
      nodes.push_back({item, place + "[" + std::to_string(nodes.size()) + "]"});
    return nodes;
  }

  std::string text() const {
    if (!value.is_string()) wrong(place, "is no text");
    return std::string(value.get_string());
  }
  std::string text_or_empty() const { return is_null() ? std::string() : text(); }

  bool boolean() const {
    if (!value.is_bool()) wrong(place, "is neither true nor false");
    return value.get_bool();
  }

  template <class Number>
  Number whole() const {
    boost::system::error_code error;
    const auto number = value.is_number() ? value.to_number<Number>(error) : Number{};
    if (!value.is_number() || error) wrong(place, "is no whole number that fits");
    return number;
  }

  /// Seconds with a fraction, as a duration.
  Milliseconds duration() const {
    constexpr double longest = 1e12;
    const double seconds = value.is_number() ? value.to_number<double>() : -1;
    if (!(seconds >= 0 && seconds < longest)) wrong(place, "is no duration in seconds");
    return Milliseconds(std::llround(seconds * 1000));
  }

  TimePoint time() const {
    const auto parsed = parse_utc(text());
    if (!parsed) wrong(place, "is no time");
    return *parsed;
  }
  TimePoint time_or_none() const { return is_null() ? TimePoint{} : time(); }

  /// A word of one of the model's lists.
  template <class Parse>
  auto word(Parse parse, const char* what) const {
    const auto parsed = parse(text());
    if (!parsed) wrong(place, std::string("is no ") + what + " that this version knows");
    return *parsed;
  }

  template <class Read>
  auto optional(Read read) const {
    using Value = decltype(read(*this));
    return is_null() ? std::optional<Value>() : std::optional<Value>(read(*this));
  }
};

std::vector<std::string> texts_of(const Node& node) {
  std::vector<std::string> texts;
  for (const auto& item : node.items()) texts.push_back(item.text());
  return texts;
}

Phase phase_of(const Node& node) {
  return node.word(parse_phase, "Phase");
}

PhaseTimeline timeline_of(const Node& node) {
  PhaseTimeline timeline;
  for (const auto& item : node.items())
    timeline.spans.push_back({phase_of(item["phase"]), item["start"].time(), item["seconds"].duration(),
                              item.object().contains("failed") && item["failed"].boolean()});
  return timeline;
}

Failure failure_of(const Node& node) {
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
  failure.retry_after =
      node["retry_after_seconds"].optional([](const Node& seconds) { return Seconds(seconds.whole<std::int64_t>()); });
  return failure;
}

Attempt attempt_of(const Node& node) {
  const auto number = [](const Node& value) { return value.whole<int>(); };
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
  attempt.failure = node["failure"].optional(failure_of);
  return attempt;
}

HookJob hook_job_of(const Node& node, const std::string& run) {
  HookJob job;
  job.run = run;
  job.hook = node["hook"].text();
  job.event = node["event"].text();
  job.position = node["position"].whole<int>();
  job.done = node["done"].boolean();
  job.tries = node["tries"].whole<int>();
  job.started = node["started"].time_or_none();
  job.duration = node["seconds"].duration();
  job.error = node["error"].text_or_empty();
  job.output = node["output"].text();
  return job;
}

CertificateFacts facts_of(const Node& node) {
  return {texts_of(node["domains"]), node["serial"].text(),     node["issuer"].text(),
          node["key"].text(),        node["not_before"].time(), node["not_after"].time()};
}

Run run_of(const Node& node) {
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
  run.outcome = node["outcome"].optional([](const Node& text) { return text.word(parse_outcome, "Outcome"); });
  run.failure = node["failure"].optional(failure_of);
  run.timeline = timeline_of(node["phases"]);
  for (const auto& item : node["attempts"].items()) run.attempts.push_back(attempt_of(item));
  for (const auto& item : node["hooks"].items()) run.hook_jobs.push_back(hook_job_of(item, run.id));
  run.generation = node["generation"].optional([&](const Node& generation) {
    return Generation{run.certificate, generation["number"].whole<int>(), generation["directory"].text(),
                      facts_of(generation["certificate"])};
  });
  return run;
}

}  // namespace

Result<Run> run_from_json(const json::value& value) {
  try {
    return run_of({value, "run"});
  } catch (const Failed& failed) {
    return failed.fault();
  }
}

}  // namespace certherd::service
