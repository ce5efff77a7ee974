#include "log_observer.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/log.hpp>

namespace certherd::service {
namespace {

os::LogFields fields(const Run& run, std::string_view event) {
  return {run.certificate, run.id, {}, event};
}

}  // namespace

void LogObserver::run_started(const Run& run) {
  os::log(os::LogLevel::info,
          run.certificate + ": a run begins, asked for by " + to_string(run.actor) + ": " + run.reason,
          fields(run, "run.started"));
}

void LogObserver::certbot_said(const Run& run, std::string_view line) {
  os::log(os::LogLevel::debug, run.certificate + ": certbot: " + std::string(line), fields(run, "certbot"));
}

void LogObserver::warning(const Run& run, std::string_view text) {
  os::log(os::LogLevel::warning, run.certificate + ": " + std::string(text), fields(run, "run.warning"));
}

void LogObserver::run_finished(const Run& run) {
  const auto took = std::chrono::duration_cast<Milliseconds>(run.ended - run.started);
  std::string text = run.certificate + ": " + std::string(run.outcome ? to_string(*run.outcome) : "ended") + " in " +
                     format_elapsed(took);
  if (run.generation) text += ", valid until " + format_utc_minutes(run.generation->facts.not_after) + " UTC";
  if (!run.failure) {
    const bool well = run.outcome == Outcome::deployed;
    os::log(well ? os::LogLevel::info : os::LogLevel::warning, text,
            fields(run, well ? "run.deployed" : "run.hook_failed"));
    return;
  }
  const auto& known = traits(run.failure->failure_class);
  text += ": " + std::string(known.name) + ": " + bounded(run.failure->error, 500) + "; " +
          (run.failure->fix.empty() ? std::string(known.fix) : run.failure->fix);
  auto about = fields(run, run.outcome == Outcome::interrupted ? "run.interrupted" : "run.failed");
  about.failure_class = known.name;
  os::log(run.outcome == Outcome::interrupted ? os::LogLevel::warning : os::LogLevel::error, text, about);
}

}  // namespace certherd::service
