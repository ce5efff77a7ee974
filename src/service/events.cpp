#include <certherd/service/events.hpp>
#include <certherd/service/json.hpp>

#include <boost/json.hpp>

namespace certherd::service {
namespace {

namespace json = boost::json;

json::object named(const char* event, const Run& run) {
  return {{"event", event}, {"run", run.id}, {"certificate", run.certificate}};
}

json::value time_or_null(const std::optional<TimePoint>& time) {
  return time ? json::value(format_utc(*time)) : json::value(nullptr);
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found && found->is_string() ? std::string(found->as_string()) : std::string();
}

bool truth_of(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found && found->is_bool() && found->as_bool();
}

Fault not_understood() {
  return {"the service's answer is not understood: it is of another version", "restart the service", {}};
}

Result<std::optional<Handled>> handled_from(const json::object& object) {
  Handled handled;
  handled.certificate = text_of(object, "certificate");
  handled.decision.reason = text_of(object, "reason");
  handled.decision.action =
      truth_of(object, "due") ? renewal::Decision::Action::issue : renewal::Decision::Action::nothing;
  handled.decision.renew_at = parse_utc(text_of(object, "renew_at")).value_or(TimePoint{});
  handled.stopped = truth_of(object, "stopped");
  handled.held = text_of(object, "held");
  handled.held_until = parse_utc(text_of(object, "held_until"));
  if (const auto fault = text_of(object, "fault"); !fault.empty()) handled.fault = Fault{fault, "", {}};
  if (const auto* run = object.if_contains("run"); run && run->is_object()) {
    auto read = run_from_json(*run);
    if (!read) return read.fault();
    handled.run = *std::move(read);
  }
  return std::optional(std::move(handled));
}

Run run_named(const json::object& object) {
  Run run;
  run.id = text_of(object, "run");
  run.certificate = text_of(object, "certificate");
  return run;
}

}  // namespace

void EventWriter::run_started(const Run& run) {
  if (wanted(Detail::phases, run))
    write_(json::serialize(json::object{{"event", "run_started"}, {"run", to_json(run)}}));
}

void EventWriter::phase_started(const Run& run, Phase phase, TimePoint start, std::optional<Seconds> announced) {
  if (!wanted(Detail::phases, run)) return;
  json::object event = named("phase", run);
  event["phase"] = to_string(phase);
  event["start"] = format_utc(start);
  event["announced"] = announced ? json::value(announced->count()) : json::value(nullptr);
  write_(json::serialize(event));
}

void EventWriter::certbot_said(const Run& run, std::string_view line) {
  if (!wanted(Detail::output, run)) return;
  json::object event = named("said", run);
  event["text"] = line;
  write_(json::serialize(event));
}

void EventWriter::warning(const Run& run, std::string_view text) {
  if (!wanted(Detail::brief, run)) return;
  json::object event = named("warning", run);
  event["text"] = text;
  write_(json::serialize(event));
}

void EventWriter::run_finished(const Run& run) {
  if (wanted(Detail::phases, run))
    write_(json::serialize(json::object{{"event", "run_finished"}, {"run", to_json(run)}}));
}

boost::json::object to_json(const Handled& handled) {
  json::object object{{"certificate", handled.certificate},
                      {"reason", handled.decision.reason},
                      {"due", handled.decision.action != renewal::Decision::Action::nothing},
                      {"renew_at", nullptr},
                      {"run", nullptr},
                      {"stopped", handled.stopped},
                      {"held", nullptr},
                      {"held_until", time_or_null(handled.held_until)},
                      {"fault", nullptr}};
  if (handled.decision.renew_at != TimePoint{}) object["renew_at"] = format_utc(handled.decision.renew_at);
  if (handled.run) object["run"] = to_json(*handled.run);
  if (!handled.held.empty()) object["held"] = handled.held;
  if (handled.fault) object["fault"] = handled.fault->text();
  return object;
}

std::string handled_line(const Handled& handled) {
  return json::serialize(json::object{{"event", "handled"}, {"handled", to_json(handled)}});
}

Result<std::optional<Handled>> replay(const std::string& line, RunObserver& observer) {
  json::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object()) return not_understood();
  const auto& object = value.as_object();
  const std::string event = text_of(object, "event");
  if (event == "handled" && object.contains("handled") && object.at("handled").is_object())
    return handled_from(object.at("handled").as_object());
  if (event == "error") return Fault{text_of(object, "error"), text_of(object, "fix"), {}};
  if (event == "run_started" || event == "run_finished") {
    const auto run = object.contains("run") ? run_from_json(object.at("run")) : Result<Run>(not_understood());
    if (!run) return run.fault();
    event == "run_started" ? observer.run_started(*run) : observer.run_finished(*run);
    return std::optional<Handled>();
  }
  const Run run = run_named(object);
  if (event == "said") {
    observer.certbot_said(run, text_of(object, "text"));
  } else if (event == "warning") {
    observer.warning(run, text_of(object, "text"));
  } else if (event == "phase") {
    const auto phase = parse_phase(text_of(object, "phase"));
    const auto start = parse_utc(text_of(object, "start"));
    const auto* announced = object.if_contains("announced");
    std::optional<Seconds> wait;
    if (announced && announced->is_int64()) wait = Seconds(announced->as_int64());
    if (!phase || !start) return not_understood();
    observer.phase_started(run, *phase, *start, wait);
  } else {
    return not_understood();
  }
  return std::optional<Handled>();
}

}  // namespace certherd::service
