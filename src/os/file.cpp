#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace certherd::os {
namespace fs = std::filesystem;
namespace {

constexpr off_t reserve_limit = 16 * 1024 * 1024;

std::string fix_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space on that file system";
    case EROFS:
      return "the file system is mounted read-only";
    case EACCES:
    case EPERM:
      return "check the owner and the mode, or run as the user that owns it";
    default:
      return {};
  }
}

Result<void> write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_fault("cannot write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// As many bytes as there are, up to `size`; -1: an error.
ssize_t read_piece(int fd, char* buffer, std::size_t size) {
  std::size_t total = 0;
  while (total < size) {
    const ssize_t got = ::read(fd, buffer + total, size - total);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(total);
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// A name beside `path` that no reader looks for; one process at a time works in our directories, so the pid is enough.
fs::path beside(const fs::path& path) {
  return parent_of(path) / ("." + path.filename().string() + "." + std::to_string(::getpid()) + ".new");
}

Result<void> rename_over(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error = errno;
    ::unlink(from.c_str());
    return system_fault("cannot replace", to, error);
  }
  return sync_directory(parent_of(to));
}

}  // namespace

Fault system_fault(const std::string& what, const fs::path& path, int error) {
  return {what + " " + path.string() + ": " + std::generic_category().message(error), fix_for(error), {}};
}

Result<std::string> read_file(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_fault("cannot read", path, errno);
  std::string content;
  // Growing step by step would copy a large file several times over. Not every file says its size (/proc).
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size < reserve_limit)
    content.reserve(static_cast<std::size_t>(status.st_size));
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_fault("cannot read", path, errno);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

FileStamp stamp_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_ctim.tv_sec * 1'000'000'000LL + status.st_ctim.tv_nsec};
}

bool holds(const fs::path& path, std::string_view head, const fs::path& rest) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd expected(::open(rest.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || !expected) return false;
  std::array<char, 32768> one;
  std::array<char, 32768> other;
  while (!head.empty()) {
    const auto got = read_piece(fd.get(), one.data(), std::min(one.size(), head.size()));
    if (got <= 0 ||
        head.substr(0, static_cast<std::size_t>(got)) != std::string_view(one.data(), static_cast<std::size_t>(got)))
      return false;
    head.remove_prefix(static_cast<std::size_t>(got));
  }
  for (;;) {
    const auto got = read_piece(fd.get(), one.data(), one.size());
    const auto wanted = read_piece(expected.get(), other.data(), other.size());
    if (got != wanted || got < 0 || std::memcmp(one.data(), other.data(), static_cast<std::size_t>(got)) != 0)
      return false;
    if (got == 0) return true;
  }
}

Result<void> create_file(const fs::path& path, std::string_view content, mode_t mode) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600));
  if (!fd) return system_fault("cannot create", path, errno);
  auto done = write_all(fd.get(), content, path);
  // The umask may have narrowed the mode, and a wider mode is given only once the content is whole.
  if (done && ::fchmod(fd.get(), mode) != 0) done = system_fault("cannot set the mode of", path, errno);
  if (done && ::fsync(fd.get()) != 0) done = system_fault("cannot sync", path, errno);
  if (!done) ::unlink(path.c_str());
  return done;
}

Result<void> replace_file(const fs::path& path, std::string_view content, mode_t mode) {
  const fs::path fresh = beside(path);
  ::unlink(fresh.c_str());
  if (auto made = create_file(fresh, content, mode); !made) return made;
  return rename_over(fresh, path);
}

Result<void> replace_symlink(const fs::path& link, const fs::path& target) {
  const fs::path fresh = beside(link);
  ::unlink(fresh.c_str());
  if (::symlink(target.c_str(), fresh.c_str()) != 0) return system_fault("cannot create the link", link, errno);
  return rename_over(fresh, link);
}

Result<void> sync_directory(const fs::path& directory) {
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_fault("cannot open the directory", directory, errno);
  // Some file systems do not sync directories and say EINVAL: they have nothing to sync.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return system_fault("cannot sync", directory, errno);
  return {};
}

Result<void> make_directory(const fs::path& directory, mode_t mode) {
  // Each parent by itself: create_directories() leaves their modes to the umask, which is 0077 in the service.
  std::error_code error;
  const auto parent = directory.parent_path();
  if (!parent.empty() && parent != directory && !fs::exists(parent, error)) {
    if (error) return system_fault("cannot look at", parent, error.value());
    if (auto made = make_directory(parent, 0755); !made) return made;
  }
  if (::mkdir(directory.c_str(), mode) == 0) {
    // mkdir heeds the umask.
    if (::chmod(directory.c_str(), mode) != 0) return system_fault("cannot set the mode of", directory, errno);
    return sync_directory(parent_of(directory));
  }
  if (errno != EEXIST) return system_fault("cannot create the directory", directory, errno);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return system_fault("cannot look at", directory, errno);
  if (!S_ISDIR(status.st_mode)) return system_fault("cannot create the directory", directory, ENOTDIR);
  if ((status.st_mode & 07777) != mode && status.st_uid == ::geteuid() && ::chmod(directory.c_str(), mode) != 0)
    return system_fault("cannot set the mode of", directory, errno);
  return {};
}

}  // namespace certherd::os
