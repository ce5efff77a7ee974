#pragma once

#include <certherd/os/fd.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace certherd::test {

inline sockaddr_un unix_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

/// A client that sends whatever bytes a case wants, and blocks: the case has a Watchdog.
class UnixClient {
public:
  explicit UnixClient(const std::filesystem::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = unix_address(path);
    while (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      if (errno != EINTR) throw std::runtime_error("cannot connect to " + path.string() + ": " + std::strerror(errno));
  }

  /// false: the server hears no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Everything up to the end of the connection.
  std::string read_all() {
    std::string all;
    while (read_some(all)) continue;
    return all;
  }
  /// Everything up to these words, or to the end.
  std::string read_until(std::string_view words) {
    std::string all;
    while (all.find(words) == all.npos && read_some(all)) continue;
    return all;
  }

  void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

private:
  bool read_some(std::string& all) {
    char buffer[4096];
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (got > 0) all.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  os::Fd fd_;
};

}  // namespace certherd::test
