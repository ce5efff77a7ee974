#include <certherd/base/text.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/lock.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace certherd::os {

Result<std::optional<FileLock>> FileLock::try_take(const std::filesystem::path& path, std::string& holder) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return system_fault("cannot open the lock", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_fault("cannot lock", path, errno);
    const auto content = read_file(path);
    holder = content ? std::string(trim(*content)) : std::string();
    return std::optional<FileLock>();
  }
  // The pid is for people who look; the lock itself is the kernel's.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    return system_fault("cannot write", path, errno);
  return std::optional<FileLock>(FileLock(std::move(fd)));
}

}  // namespace certherd::os
