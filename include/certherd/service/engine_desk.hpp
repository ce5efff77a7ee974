#pragma once

#include <certherd/certbot/engine.hpp>
#include <certherd/model/settings.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>

namespace certherd::service {

/// The two ways of running certbot, and which of them a Run takes.
class EngineDesk {
public:
  explicit EngineDesk(boost::asio::any_io_executor executor);

  /// `several`: more than this one Run is wanted now. A lone one gains nothing from a host that is started for it.
  certbot::Engine& choose(EngineChoice choice, bool several);

  /// Whether the certbot that `command` names can be kept in memory, tried out. Fault: why not.
  boost::asio::awaitable<Result<certbot::HostFacts>> probe(const certbot::CertbotCommand& command);

  /// What is kept in memory now; nullptr: nothing.
  const certbot::HostFacts* in_memory() const { return warm_.in_memory(); }
  /// Called when in_memory() has become another.
  void on_change(std::function<void()> changed) { warm_.on_change(std::move(changed)); }

  /// At the end of the program: see certbot::WarmEngine.
  void close() { warm_.close(); }

private:
  certbot::PlainEngine plain_;
  certbot::WarmEngine warm_;
};

}  // namespace certherd::service
