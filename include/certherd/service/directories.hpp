#pragma once

#include <certherd/base/time.hpp>
#include <certherd/ca/directory.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/os/turn.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace certherd::service {

/// The ACME directories of the CAs, each fetched once and kept for a day. On the io_context's thread.
class Directories {
public:
  explicit Directories(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  static constexpr Seconds patience{30};

  /// nullopt: the CA does not answer now, or not within `wait`. One that had its full time is not asked again for an
  /// hour.
  boost::asio::awaitable<std::optional<ca::Directory>> of(Ca ca, Seconds wait = patience);

  /// Where anything may block that asks the network: who hangs there holds up no database. Made when it is first
  /// needed.
  boost::asio::thread_pool& pool();

private:
  struct Known {
    std::optional<ca::Directory> directory;
    TimePoint fetched;
    std::unique_ptr<os::Turns> turns;  ///< to fetch it
  };

  boost::asio::any_io_executor executor_;
  std::unique_ptr<boost::asio::thread_pool> pool_;
  std::map<std::string, Known> known_;
};

}  // namespace certherd::service
