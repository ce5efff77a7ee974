#include "socket_file.hpp"

#include <certherd/os/file.hpp>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

namespace certherd::api {
namespace fs = std::filesystem;
namespace {

std::optional<sockaddr_un> address_of(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Result<gid_t> group_id(const std::string& name) {
  std::vector<char> buffer(16 * 1024);
  group entry{};
  group* found = nullptr;
  int error = 0;
  while ((error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE)
    buffer.resize(buffer.size() * 2);
  if (found) return entry.gr_gid;
  return Fault{"the group '" + name + "' of the control socket does not exist" +
                   (error != 0 ? std::string(": ") + std::strerror(error) : ""),
               "create it (groupadd --system " + name + ") or name another one",
               {}};
}

/// Whether a file may be put in this place: nothing is there, or a socket on which nobody answers.
Result<void> require_free(const fs::path& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return os::system_fault("cannot look at", path, errno);
  }
  if (!S_ISSOCK(status.st_mode))
    return Fault{"cannot listen on " + path.string() + ": a file that is no socket is there", "move it away", {}};
  const os::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return os::system_fault("cannot make a socket for", path, errno);
  const int error = ::connect(probe.get(), generic(address), sizeof address) == 0 ? 0 : errno;
  if (error == ECONNREFUSED || error == ENOENT) return {};
  if (error == EACCES) return os::system_fault("cannot tell whether anybody listens on", path, error);
  // EAGAIN: somebody listens and has too much to do. EPROTOTYPE: it is somebody's, though not of our kind.
  return Fault{"cannot listen on " + path.string() + ": another program listens there",
               "end the other service, or give this one a runtime_dir of its own",
               {}};
}

/// Owner and mode by the name: the descriptor of a socket leads to another inode than its file.
Result<void> give(const fs::path& path, mode_t mode, std::optional<gid_t> group, const std::string& name) {
  if (group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) {
    if (errno != EPERM) return os::system_fault("cannot set the group of", path, errno);
    return Fault{"cannot give the control socket to the group '" + name + "': the service is not a member of it",
                 "make the user of the service a member (usermod --append --groups " + name + " certherd)",
                 {}};
  }
  if (::chmod(path.c_str(), mode) != 0) return os::system_fault("cannot set the mode of", path, errno);
  return {};
}

}  // namespace

Result<SocketFile> SocketFile::listen(const fs::path& path, mode_t mode, const std::string& group) {
  // Made under another name and moved when all is right: nobody connects to a socket that is half made.
  const fs::path fresh = path.native() + "~";
  const auto address = address_of(path);
  const auto fresh_address = address_of(fresh);
  if (!address || !fresh_address)
    return Fault{"the path of the control socket, " + path.string() + ", is too long: the system allows " +
                     std::to_string(sizeof(sockaddr_un::sun_path) - 2) + " bytes",
                 "choose a shorter runtime_dir",
                 {}};
  std::optional<gid_t> gid;
  if (!group.empty()) {
    auto known = group_id(group);
    if (!known) return known.fault();
    gid = *known;
  }
  if (auto free = require_free(path, *address); !free) return free.fault();

  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return os::system_fault("cannot make a socket for", path, errno);
  // Linux gives the file the mode of the socket: 0600 from its first moment, whatever the umask.
  if (::fchmod(fd.get(), 0600) != 0) return os::system_fault("cannot set the mode of", path, errno);
  ::unlink(fresh.c_str());
  if (::bind(fd.get(), generic(*fresh_address), sizeof *fresh_address) != 0)
    return os::system_fault("cannot listen on", path, errno);
  SocketFile file(std::move(fd), fresh);
  struct stat status {};
  if (::lstat(fresh.c_str(), &status) != 0) return os::system_fault("cannot look at", fresh, errno);
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  if (auto given = give(fresh, mode, gid, group); !given) return given.fault();
  if (::listen(file.fd(), 128) != 0) return os::system_fault("cannot listen on", path, errno);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return os::system_fault("cannot put in place", path, errno);
  file.path_ = path;
  return file;
}

void SocketFile::close() {
  if (!fd_) return;
  struct stat status {};
  const bool ours = ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
  fd_.reset();
}

}  // namespace certherd::api
