#include <certherd/api/service_endpoint.hpp>
#include <certherd/base/result.hpp>
#include <certherd/cli/command_line.hpp>
#include <certherd/cli/verbs.hpp>
#include <certherd/service/state.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  using namespace certherd;
  try {
    const auto parsed = cli::parse_command_line(argc, argv);
    if (const int* code = std::get_if<int>(&parsed)) return *code;
    return cli::run_verb(std::get<cli::CommandLine>(parsed), cli::inspect_terminal(), std::cout,
                         api::open_control_socket);
  } catch (const service::StateHeld& held) {
    std::cerr << "certherd: " << held.what() << '\n';
    return cli::exit_state_held;
  } catch (const std::exception& error) {
    std::cerr << "certherd: " << error.what() << '\n';
    return cli::exit_failed;
  }
}
