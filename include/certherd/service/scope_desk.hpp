#pragma once

#include <certherd/dns/client.hpp>
#include <certherd/model/scope_answer.hpp>
#include <certherd/os/turn.hpp>
#include <certherd/service/roster.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certherd::service {

/// Asks DNS providers what Accounts may do there: by a dynamic update that changes nothing, or for the list of zones,
/// whatever the plugins-map knows of the provider. On the io_context's thread.
class ScopeDesk {
public:
  explicit ScopeDesk(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// One answer for each name, in their order; none at all without an account, or where the plugin has a zone of its
  /// own. A list of zones is kept for some seconds, for the others of a batch. `pool`: where HTTP and files may block.
  boost::asio::awaitable<std::vector<ScopeAnswer>> ask(ConfigurationPtr configuration, const Certificate& certificate,
                                                       std::vector<std::string> names, dns::Client& client,
                                                       boost::asio::thread_pool& pool, Milliseconds patience);

private:
  struct Known {
    std::unique_ptr<os::Turns> turns;
    ConfigurationPtr configuration;
    std::chrono::steady_clock::time_point asked;
    std::optional<ScopeAnswer> answer;
  };

  boost::asio::any_io_executor executor_;
  std::map<std::string, Known> by_account_;
};

}  // namespace certherd::service
