#pragma once

#include <certherd/certbot/engine.hpp>
#include <certherd/certbot/installed.hpp>
#include <certherd/model/settings.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>

namespace certherd::service {

/// The two ways of running certbot, and which of them each execution takes.
class EngineDesk final : public certbot::Engine {
public:
  /// `several`: asked before an execution that may go either way, whether more than this one is wanted now. A lone one
  /// gains nothing from a host that is started for it.
  EngineDesk(boost::asio::any_io_executor executor, std::function<bool()> several);

  /// From the next execution on.
  void use(EngineChoice choice) { choice_ = choice; }

  boost::asio::awaitable<Result<os::ChildExit>> run(certbot::CertbotCommand command, os::ChildLimits limits,
                                                    os::ChildCallbacks callbacks, os::StopSignal& stop) override;

  /// Whether this certbot can be kept in memory, tried out. Fault: why not.
  boost::asio::awaitable<Result<certbot::HostFacts>> probe(const certbot::InstalledCertbot& installed);

  /// What is kept in memory now; nullptr: nothing.
  const certbot::HostFacts* in_memory() const { return warm_.in_memory(); }
  /// Called when in_memory() has become another.
  void on_change(std::function<void()> changed) { warm_.on_change(std::move(changed)); }

  /// At the end of the program: see certbot::WarmEngine.
  void close() { warm_.close(); }

private:
  certbot::PlainEngine plain_;
  certbot::WarmEngine warm_;
  std::function<bool()> several_;
  EngineChoice choice_ = EngineChoice::automatic;
};

}  // namespace certherd::service
