#pragma once

#include <certherd/base/result.hpp>
#include <certherd/os/fd.hpp>

#include <filesystem>
#include <optional>

namespace certherd::os {

/// An exclusive lock on a file, held as long as the object lives and freed by the kernel when the process dies.
class FileLock {
public:
  /// nullopt: another process holds it (its pid is in `holder`). Fault: the file could not be opened.
  static Result<std::optional<FileLock>> try_take(const std::filesystem::path& path, std::string& holder);

private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace certherd::os
