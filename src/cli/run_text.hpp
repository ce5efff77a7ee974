#pragma once

#include <certherd/cli/terminal.hpp>
#include <certherd/model/run.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace certherd::cli {

/// "deployed", "failed" … in the colour of good or bad news; "running or interrupted" without an outcome.
std::string outcome_text(const Terminal& terminal, const Run& run);

/// A Run in one line, and below it, if it failed, why, word for word, and what to do.
void print_outcome(std::ostream& out, const Terminal& terminal, const Run& run);

/// Everything that is known of a failure, indented.
void print_failure(std::ostream& out, const Terminal& terminal, const Failure& failure);

/// Findings, one below the other with what to do about each, indented.
void print_findings(std::ostream& out, const Terminal& terminal, const std::vector<Finding>& findings);

/// Hooks of a Run, with the output of those that failed.
void print_hooks(std::ostream& out, const Terminal& terminal, const Run& run);

}  // namespace certherd::cli
