#pragma once

#include <certherd/base/result.hpp>

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace certherd::os {

/// The whole file. Fault: path and system error, "no such file" told apart from "permission denied".
Result<std::string> read_file(const std::filesystem::path& path);

/// Which file a path led to, and as of when: another one whenever it is written or replaced.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;   ///< 0: no such file
  std::int64_t changed = 0;  ///< status change time, nanoseconds
  bool operator==(const FileStamp&) const = default;
};
FileStamp stamp_of(const std::filesystem::path& file);

/// True when the file holds `head` and after it the whole content of the file `rest`. Large ones are compared piece by
/// piece; false as well when one of them cannot be read.
bool holds(const std::filesystem::path& path, std::string_view head, const std::filesystem::path& rest);

/// Creates a new file with exactly this mode from its first byte (O_EXCL, so never through a planted link), writes it
/// whole and fsyncs it. The directory is not synced. On a Fault nothing is left behind.
Result<void> create_file(const std::filesystem::path& path, std::string_view content, mode_t mode);

/// Replaces a file at once for every reader: written beside it, synced, renamed over it, directory synced.
Result<void> replace_file(const std::filesystem::path& path, std::string_view content, mode_t mode);

/// Makes a symbolic link point to `target` at once for every reader; the parent directory is synced.
Result<void> replace_symlink(const std::filesystem::path& link, const std::filesystem::path& target);

Result<void> sync_directory(const std::filesystem::path& directory);

/// Creates the directory and its missing parents; `mode` is that of the last one and is corrected if it differs and we
/// own it. Missing parents get 0755.
Result<void> make_directory(const std::filesystem::path& directory, mode_t mode);

/// A Fault from errno: "<what> <path>: <system's words>", with a fix where the error has an obvious one.
Fault system_fault(const std::string& what, const std::filesystem::path& path, int error);

}  // namespace certherd::os
