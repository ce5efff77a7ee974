#include "run_text.hpp"

#include <certherd/base/text.hpp>

namespace certherd::cli {
namespace {

void print_labelled(std::ostream& out, const Terminal& terminal, const std::string& label, const std::string& text) {
  if (text.empty()) return;
  constexpr std::size_t width = 12;
  const auto lines = split(trim(text), '\n');
  for (std::size_t i = 0; i < lines.size(); ++i)
    out << "  " << coloured(terminal, Colour::dim, fit(terminal, i == 0 ? label : "", width)) << ' ' << lines[i]
        << '\n';
}

}  // namespace

std::string outcome_text(const Terminal& terminal, const Run& run) {
  if (!run.outcome) return coloured(terminal, Colour::yellow, "running or interrupted");
  static constexpr Colour colours[] = {Colour::green, Colour::yellow, Colour::red, Colour::red, Colour::yellow};
  return coloured(terminal, colours[static_cast<std::size_t>(*run.outcome)], to_string(*run.outcome));
}

void print_failure(std::ostream& out, const Terminal& terminal, const Failure& failure) {
  const FailureTraits& known = traits(failure.failure_class);
  std::string where = std::string(known.name);
  if (failure.phase) where += " in phase " + std::string(to_string(*failure.phase));
  print_labelled(out, terminal, "failure", where + ": " + std::string(known.meaning));
  print_labelled(out, terminal, "error", failure.error);
  if (!failure.problem_type.empty()) {
    std::string problem = failure.problem_type;
    if (!failure.problem_domain.empty()) problem += " for " + failure.problem_domain;
    print_labelled(out, terminal, "CA says",
                   problem + (failure.problem_detail.empty() ? "" : "\n" + failure.problem_detail));
  }
  if (failure.retry_after)
    print_labelled(out, terminal, "retry after", format_elapsed(Milliseconds(*failure.retry_after)) + ", says the CA");
  print_labelled(out, terminal, "hint", failure.hint);
  print_labelled(out, terminal, "to do", failure.fix.empty() ? std::string(known.fix) : failure.fix);
}

void print_findings(std::ostream& out, const Terminal& terminal, const std::vector<Finding>& findings) {
  static constexpr Colour colours[] = {Colour::dim, Colour::yellow, Colour::red};
  constexpr std::size_t width = 12;
  for (const auto& finding : findings) {
    const auto severity = fit(terminal, to_string(finding.severity), width);
    out << "  " << coloured(terminal, colours[static_cast<std::size_t>(finding.severity)], severity) << ' '
        << finding.domain << ": " << finding.seen << '\n';
    print_labelled(out, terminal, "to do", finding.fix);
  }
}

void print_hooks(std::ostream& out, const Terminal& terminal, const Run& run) {
  for (const auto& job : run.hook_jobs) {
    out << "  hook " << job.hook << " (" << job.event
        << "): " << (job.done ? coloured(terminal, Colour::green, "done") : coloured(terminal, Colour::red, "failed"))
        << " in " << format_elapsed(job.duration) << '\n';
    print_labelled(out, terminal, "error", job.error);
    print_labelled(out, terminal, "output", job.output);
  }
}

void print_outcome(std::ostream& out, const Terminal& terminal, const Run& run) {
  out << run.certificate << ": " << outcome_text(terminal, run) << " in "
      << format_elapsed(std::chrono::duration_cast<Milliseconds>(run.ended - run.started));
  if (run.generation) out << ", valid until " << format_utc_minutes(run.generation->facts.not_after) << " UTC";
  out << " (run " << run.id << ")\n";
  if (run.failure) print_failure(out, terminal, *run.failure);
  if (run.outcome == Outcome::deployed_hook_failed) print_hooks(out, terminal, run);
}

}  // namespace certherd::cli
