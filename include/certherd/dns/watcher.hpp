#pragma once

#include <certherd/dns/client.hpp>
#include <certherd/model/dns_facts.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace certherd::dns {

/// What is to appear at one name, and on which servers.
struct WatchedName {
  std::string name;
  std::vector<std::string> values;   ///< all of them: apex and wildcard need two
  std::vector<ServerFacts> servers;  ///< of its zone; those without an address are left out
};

struct WatchOptions {
  std::chrono::steady_clock::time_point begun;  ///< what `visible_after` counts from
  /// Between two looks: a tenth of the time since `begun`, within these.
  Milliseconds first_pause{500};
  Milliseconds longest_pause{2000};
  Milliseconds patience{1000};  ///< with one question
};

/// Asks every authoritative server again and again until it shows every value, and tells of each as soon as it does.
class Watcher {
public:
  Watcher(boost::asio::any_io_executor executor, boost::asio::thread_pool& pool, std::vector<WatchedName> names,
          WatchOptions options);

  /// Until every server has everything (true), or stop() (false). Also false when there is nobody to be asked.
  boost::asio::awaitable<bool> run();
  /// Ends run() as soon as the questions that are under way have been answered.
  void stop();
  /// The same after the present pause; never throws.
  void stop_soon() noexcept { stopped_ = true; }

  /// One entry for each server: when it had shown all values of all names that it serves.
  std::vector<ServerVisibility> visibility() const;

private:
  struct Look {
    std::size_t name = 0;  ///< in names_
    std::string server;
    std::string address;
    std::optional<Milliseconds> visible_after;
    std::string error;
  };
  boost::asio::awaitable<void> look(Client& client, Look& at);

  boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& pool_;
  std::vector<WatchedName> names_;
  WatchOptions options_;
  std::vector<Look> looks_;
  bool stopped_ = false;
  boost::asio::steady_timer timer_;
};

}  // namespace certherd::dns
