#pragma once

#include <certherd/cli/terminal.hpp>
#include <certherd/model/phase.hpp>

#include <ostream>

namespace certherd::cli {

/// A line for each Span: name, duration, and a bar from its start to its end, all on one scale that fits the terminal.
/// The Span in which a failure happened is marked. Nothing is printed for an empty timeline.
void print_waterfall(std::ostream& out, const Terminal& terminal, const PhaseTimeline& timeline);

}  // namespace certherd::cli
