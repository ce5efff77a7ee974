#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/ownership.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

namespace certherd::os {
namespace fs = std::filesystem;
namespace {

/// Walks by descriptors: names may be exchanged by their owner meanwhile.
class Giving {
public:
  explicit Giving(Owner owner) : owner_(owner) {}

  void give(int parent, const char* name, const fs::path& path) {
    struct stat status {};
    if (::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return fail(path);
    if (S_ISDIR(status.st_mode)) return give_directory(parent, name, path);
    if (status.st_uid != 0 || (status.st_nlink > 1 && !S_ISLNK(status.st_mode))) return;
    if (::fchownat(parent, name, owner_.user, group_for(status), AT_SYMLINK_NOFOLLOW) != 0) fail(path);
  }

  const std::optional<Fault>& fault() const { return fault_; }

private:
  gid_t group_for(const struct stat& status) const {
    return status.st_gid == 0 ? owner_.group : static_cast<gid_t>(-1);
  }

  void give_directory(int parent, const char* name, const fs::path& path) {
    Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return fail(path);
    if (status.st_uid == 0 && ::fchown(fd.get(), owner_.user, group_for(status)) != 0) fail(path);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd.get()), &::closedir);
    if (!entries) return fail(path);
    const int directory = fd.release();  // closedir() closes it
    while (const dirent* entry = ::readdir(entries.get())) {
      const std::string inner = entry->d_name;
      if (inner != "." && inner != "..") give(directory, inner.c_str(), path / inner);
    }
  }

  void fail(const fs::path& path) {
    if (errno != ENOENT && !fault_) fault_ = system_fault("cannot change the owner of", path, errno);
  }

  const Owner owner_;
  std::optional<Fault> fault_;  ///< the first
};

}  // namespace

Result<Owner> owner_of(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return system_fault("cannot look at", path, errno);
  return Owner{status.st_uid, status.st_gid};
}

Result<void> give(const fs::path& path, Owner owner) {
  Giving giving(owner);
  giving.give(AT_FDCWD, path.c_str(), path);
  if (giving.fault()) return *giving.fault();
  return {};
}

}  // namespace certherd::os
