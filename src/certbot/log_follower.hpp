#pragma once

#include <certherd/os/fd.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace certherd::certbot {

/// Reads a growing file that may not exist yet and hands on what is new.
class LogFollower {
public:
  LogFollower(std::filesystem::path file, std::function<void(std::string_view)> sink)
      : file_(std::move(file)), sink_(std::move(sink)) {}

  /// Hands on what has been written since, at most a few megabytes. False: there is more.
  bool read_more();
  /// Reads to the end. Of a flood only the end is read; returns the number of bytes passed over.
  std::uintmax_t read_rest();
  /// Reads as the file grows, until cancelled: woken by inotify(7), and once a second in case that fails.
  boost::asio::awaitable<void> follow();

private:
  std::filesystem::path file_;
  std::function<void(std::string_view)> sink_;
  os::Fd fd_;
  off_t offset_ = 0;
};

}  // namespace certherd::certbot
