#pragma once

// The files of an audit log that was rotated: where they are, in which order they stand in the chain, and their lines.

#include <certherd/base/result.hpp>
#include <certherd/journal/audit_entry.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::journal {

/// A file that logrotate made of the log: "audit.jsonl.1", "audit.jsonl-20261124", each also with ".gz". While a file
/// is being compressed both are there, and the plain one counts.
struct RotatedFile {
  std::filesystem::path path;
  bool compressed = false;
  std::uint64_t first = 0;  ///< number of its first entry; 0: there is none in it
};

/// The rotated files beside the log, oldest entries first; empty ones are left out. Files without any entry come last.
/// By their entries and not by their names: a name tells when a file was moved, and in which scheme, no more. Fault:
/// the directory or a file of it cannot be read.
Result<std::vector<RotatedFile>> rotated_files(const std::filesystem::path& log);

/// Hands on each line of a file, decompressed, while `line` says true; `whole`: it ended with a newline. Fault: the
/// file cannot be read, or what is compressed is cut off or damaged.
Result<void> lines_of(const RotatedFile& file, const std::function<bool(const std::string& line, bool whole)>& line);

/// What the end of a file of the log says.
struct FileEnd {
  AuditHead last;      ///< the last line that is an entry with the right hash
  std::string broken;  ///< what follows the last newline
};

/// Of an open file.
Result<FileEnd> read_end(int fd, const std::filesystem::path& path);

/// Whether this name is that of the open file.
bool is_at(int fd, const std::filesystem::path& path);

/// Waits for who is just writing into a file that was renamed under it; `own` is the log as we hold it, open and
/// locked. Also for empty files: their first entry may be on its way. False: the log was renamed meanwhile; nothing was
/// waited for.
bool await_older(const std::filesystem::path& log, int own);

/// Of the rotated file with the newest entries. nullopt: there is none, or it cannot be read.
std::optional<FileEnd> rotated_end(const std::filesystem::path& log);

}  // namespace certherd::journal
