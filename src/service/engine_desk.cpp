#include <certherd/service/configuration.hpp>
#include <certherd/service/engine_desk.hpp>

namespace certherd::service {

EngineDesk::EngineDesk(boost::asio::any_io_executor executor, std::function<bool()> several)
    : plain_(own_python("launcher.py")),
      warm_(std::move(executor), plain_, own_python("warm_host.py")),
      several_(std::move(several)) {}

boost::asio::awaitable<Result<os::ChildExit>> EngineDesk::run(certbot::CertbotCommand command, os::ChildLimits limits,
                                                              os::ChildCallbacks callbacks, os::StopSignal& stop) {
  const bool warm =
      choice_ == EngineChoice::warm || (choice_ == EngineChoice::automatic && (in_memory() || several_()));
  Engine& engine = warm ? static_cast<Engine&>(warm_) : plain_;
  return engine.run(std::move(command), limits, std::move(callbacks), stop);
}

boost::asio::awaitable<Result<certbot::HostFacts>> EngineDesk::probe(const certbot::InstalledCertbot& installed) {
  certbot::CertbotCommand command;
  command.executable = installed.executable;
  command.interpreter = installed.interpreter;
  co_return co_await warm_.probe(command);
}

}  // namespace certherd::service
