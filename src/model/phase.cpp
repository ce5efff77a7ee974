#include <certherd/model/phase.hpp>

#include <algorithm>
#include <array>

namespace certherd {
namespace {

constexpr std::array<std::string_view, 16> names{
    "queue",  "preflight",  "startup", "account",  "order", "challenge", "provision", "propagation",
    "notify", "validation", "cleanup", "finalize", "save",  "verify",    "publish",   "hooks"};

}  // namespace

std::string_view to_string(Phase phase) {
  return names[static_cast<std::size_t>(phase)];
}

std::optional<Phase> parse_phase(std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Phase>(found - names.begin());
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
