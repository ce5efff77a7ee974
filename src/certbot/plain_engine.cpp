#include <certherd/certbot/engine.hpp>
#include <certherd/certbot/launch.hpp>
#include <certherd/os/log.hpp>

namespace certherd::certbot {

boost::asio::awaitable<Result<os::ChildExit>> PlainEngine::run(CertbotCommand command, os::ChildLimits limits,
                                                               os::ChildCallbacks callbacks, os::StopSignal& stop) {
  os::ChildCommand child;
  child.executable = command.executable;
  child.arguments = std::move(command.arguments);
  child.environment = std::move(command.environment);
  child.timeout = limits.timeout;
  child.grace = limits.grace;
  child.line_limit = limits.line_limit;
  if (!command.end_wait.empty()) {
    if (auto call = python_call(command, launcher_)) {
      child.executable = call->interpreter;
      call->arguments.insert(call->arguments.end(), child.arguments.begin(), child.arguments.end());
      child.arguments = std::move(call->arguments);
      for (auto& variable : launch_environment(command)) child.environment.push_back(std::move(variable));
    } else {
      os::log(os::LogLevel::debug, "certbot's wait takes its time: " + call.fault().text());
    }
  }
  co_return co_await os::run_child(std::move(child), std::move(callbacks), stop);
}

}  // namespace certherd::certbot
