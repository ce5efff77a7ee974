#include <certherd/cli/waterfall.hpp>

#include <algorithm>

namespace certherd::cli {
namespace {

constexpr std::size_t name_width = 11;
constexpr std::size_t time_width = 13;
constexpr std::size_t narrowest_bar = 10;

std::string bar(const Terminal& terminal, std::size_t before, std::size_t length) {
  std::string text(before, ' ');
  if (length == 0) return text + (terminal.utf8 ? "\xe2\x96\x8f" : "|");  // too short to fill a column
  for (std::size_t i = 0; i < length; ++i) text += terminal.utf8 ? "\xe2\x96\x88" : "#";
  return text;
}

}  // namespace

void print_waterfall(std::ostream& out, const Terminal& terminal, const PhaseTimeline& timeline) {
  if (timeline.spans.empty()) return;
  const TimePoint start = *timeline.start();
  const auto whole = std::max<long long>(1, std::chrono::duration_cast<Milliseconds>(*timeline.end() - start).count());
  const std::size_t taken = 2 + name_width + 1 + time_width + 2;
  const auto width = static_cast<std::size_t>(std::max(terminal.width, 0));
  const std::size_t columns = width > taken + narrowest_bar ? width - taken - 1 : narrowest_bar;
  const auto scaled = [&](long long milliseconds) {
    return static_cast<std::size_t>(std::max(0LL, milliseconds * static_cast<long long>(columns) / whole));
  };
  for (const auto& span : timeline.spans) {
    const long long from = std::chrono::duration_cast<Milliseconds>(span.start - start).count();
    const std::size_t begin = std::min(scaled(from), columns);
    const std::size_t end = std::min(scaled(from + span.duration.count()), columns);
    std::string time = format_elapsed(span.duration);
    time.insert(0, time_width > time.size() ? time_width - time.size() : 0, ' ');
    const Colour colour = span.failed ? Colour::red : Colour::green;
    out << "  " << fit(terminal, to_string(span.phase), name_width) << ' ' << time << "  "
        << coloured(terminal, colour, bar(terminal, begin, end - begin)) << (span.failed ? " failed here" : "") << '\n';
  }
}

}  // namespace certherd::cli
