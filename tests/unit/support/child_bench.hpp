#pragma once

#include <certherd/os/child.hpp>

#include <boost/asio/io_context.hpp>

#include <support/coroutine.hpp>

#include <string>
#include <vector>

namespace certherd::test {

using Lines = std::vector<std::string>;

inline os::ChildCommand shell(const std::string& script) {
  os::ChildCommand command;
  command.executable = "/bin/sh";
  command.arguments = {"-c", script};
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  return command;
}

/// Runs children on a context of their own and collects their lines.
struct ChildBench {
  boost::asio::io_context context{1};
  os::StopSignal stop{context.get_executor()};
  Lines lines;
  os::ChildCallbacks callbacks;

  ChildBench() {
    callbacks.line = [this](std::string_view line) { lines.emplace_back(line); };
  }
  /// From now on every line of the child requests the stop.
  void stop_at_line() {
    callbacks.line = [this](std::string_view line) {
      lines.emplace_back(line);
      stop.request();
    };
  }
  Result<os::ChildExit> run(const os::ChildCommand& command) {
    return test::run(context, os::run_child(command, callbacks, stop));
  }
  Result<os::ChildExit> run(const std::string& script) { return run(shell(script)); }
};

}  // namespace certherd::test
