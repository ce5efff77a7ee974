#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/os/fd.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace certherd::os {

/// The client's end of a Unix socket, with deadlines. What fails throws Failed, its Fault naming the socket.
class UnixSocket {
public:
  using Clock = std::chrono::steady_clock;

  /// nullopt: nobody listens there.
  static std::optional<UnixSocket> connect(const std::filesystem::path& path, Seconds timeout);

  /// false: the other side hears no more; what it has said may still be read.
  bool send(std::string_view bytes);
  /// At least one byte, "" at the end.
  std::string receive();
  /// From here on receive() waits for as long as it takes.
  void wait_for_ever() { deadline_.reset(); }

  [[noreturn]] void fail(const std::string& what, const std::string& fix) const;

private:
  UnixSocket(std::filesystem::path path, Seconds timeout)
      : path_(std::move(path)), timeout_(timeout), deadline_(Clock::now() + timeout) {}
  bool try_connect();
  void await(short events);

  Fd fd_;
  std::filesystem::path path_;
  Seconds timeout_;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace certherd::os
