#include <certherd/service/configuration.hpp>
#include <certherd/service/engine_desk.hpp>

namespace certherd::service {

EngineDesk::EngineDesk(boost::asio::any_io_executor executor)
    : plain_(own_python("launcher.py")), warm_(std::move(executor), plain_, own_python("warm_host.py")) {}

certbot::Engine& EngineDesk::choose(EngineChoice choice, bool several) {
  const bool warm = choice == EngineChoice::warm || (choice == EngineChoice::automatic && (several || in_memory()));
  if (warm) return warm_;
  return plain_;
}

boost::asio::awaitable<Result<certbot::HostFacts>> EngineDesk::probe(const certbot::CertbotCommand& command) {
  return warm_.probe(command);
}

}  // namespace certherd::service
