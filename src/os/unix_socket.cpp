#include "unix_socket.hpp"

#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

namespace certherd::os {
namespace {

/// Who may connect, for the Fault.
std::string permission_fix(const std::filesystem::path& path) {
  struct stat status {};
  // Where even looking is forbidden, the directory is what is closed to us.
  if (::stat(path.c_str(), &status) != 0 && ::stat(path.parent_path().c_str(), &status) != 0)
    return "ask as root, or as a member of the group of the service";
  std::vector<char> buffer(16 * 1024);
  group entry{};
  group* found = nullptr;
  while (::getgrgid_r(status.st_gid, &entry, buffer.data(), buffer.size(), &found) == ERANGE)
    buffer.resize(buffer.size() * 2);
  const std::string name = found ? found->gr_name : std::to_string(status.st_gid);
  return "ask as root, or as a member of the group '" + name + "' (usermod --append --groups " + name +
         " USER, then log in again)";
}

}  // namespace

std::optional<UnixSocket> UnixSocket::connect(const std::filesystem::path& path, Seconds timeout) {
  UnixSocket socket(path, timeout);
  if (!socket.try_connect()) return std::nullopt;
  return socket;
}

bool UnixSocket::try_connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.native().size() >= sizeof address.sun_path) return false;  // no socket can have that name
  std::memcpy(address.sun_path, path_.c_str(), path_.native().size());
  fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_) fail(std::generic_category().message(errno), "");
  for (;;) {
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    if (errno == ENOENT || errno == ECONNREFUSED) return false;
    if (errno == EACCES) fail("permission denied", permission_fix(path_));
    if (errno != EAGAIN && errno != EINTR) fail(std::generic_category().message(errno), "");
    // As many as it can hold wait to be accepted, and a Unix socket does not tell when there is room.
    if (Clock::now() >= *deadline_)
      fail("it has not accepted the connection within " + format_duration(timeout_), "look into its log");
    std::this_thread::sleep_for(Milliseconds(10));
  }
}

void UnixSocket::await(short events) {
  for (;;) {
    int left = -1;
    if (deadline_) left = static_cast<int>(std::chrono::ceil<Milliseconds>(*deadline_ - Clock::now()).count());
    // Asked before poll(2): a service that never stops talking must not outlive the deadline either.
    const bool late = deadline_ && left <= 0;
    pollfd ready{fd_.get(), events, 0};
    const int count = late ? 0 : ::poll(&ready, 1, left);
    if (count > 0) return;
    if (count == 0) fail("no whole answer within " + format_duration(timeout_), "look into the log of the service");
    if (errno != EINTR) fail(std::generic_category().message(errno), "");
  }
}

bool UnixSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      await(POLLOUT);
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return false;
    } else if (errno != EINTR) {
      fail(std::generic_category().message(errno), "");
    }
  }
  return true;
}

std::string UnixSocket::receive() {
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    // First: data that come drop by drop must not outlive the deadline.
    await(POLLIN);
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got >= 0) return {buffer.data(), static_cast<std::size_t>(got)};
    if (errno == ECONNRESET) return {};
    if (errno != EAGAIN && errno != EINTR) fail(std::generic_category().message(errno), "");
  }
}

void UnixSocket::fail(const std::string& what, const std::string& fix) const {
  throw Failed({"cannot ask the service at " + path_.string() + ": " + what, fix, {}});
}

}  // namespace certherd::os
