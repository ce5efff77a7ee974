#include <certherd/base/words.hpp>
#include <certherd/model/phase.hpp>

#include <algorithm>

namespace certherd {
namespace {

constexpr Words<Phase, 16> phases{{"queue", "preflight", "startup", "account", "order", "challenge", "provision",
                                   "propagation", "notify", "validation", "cleanup", "finalize", "save", "verify",
                                   "publish", "hooks"}};

}  // namespace

std::string_view to_string(Phase phase) {
  return phases.of(phase);
}

std::optional<Phase> parse_phase(std::string_view text) {
  return phases.parse(text);
}

Milliseconds PhaseTimeline::total(Phase phase) const {
  Milliseconds sum{0};
  for (const auto& span : spans)
    if (span.phase == phase) sum += span.duration;
  return sum;
}

std::optional<TimePoint> PhaseTimeline::start() const {
  if (spans.empty()) return std::nullopt;
  return spans.front().start;
}

std::optional<TimePoint> PhaseTimeline::end() const {
  std::optional<TimePoint> latest;
  for (const auto& span : spans) latest = std::max(latest.value_or(span.start), span.start + span.duration);
  return latest;
}

Milliseconds PhaseTimeline::longest_gap() const {
  Milliseconds longest{0};
  std::optional<TimePoint> covered;
  for (const auto& span : spans) {
    if (covered) longest = std::max(longest, std::chrono::duration_cast<Milliseconds>(span.start - *covered));
    covered = std::max(covered.value_or(span.start), span.start + span.duration);
  }
  return longest;
}

}  // namespace certherd
