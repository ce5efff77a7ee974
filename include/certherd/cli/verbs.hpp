#pragma once

#include <certherd/cli/command_line.hpp>
#include <certherd/cli/terminal.hpp>

#include <certherd/service/service.hpp>

#include <ostream>

namespace certherd::cli {

/// Does what the command line asks; facts go to `out`, faults and warnings to standard error. Gives the exit code.
/// Failed and StateHeld are thrown to the caller.
/// `open_endpoint`: how `run` opens the control socket.
int run_verb(const CommandLine& line, const Terminal& terminal, std::ostream& out,
             const service::Service::OpenEndpoint& open_endpoint);

}  // namespace certherd::cli
