#include <certherd/journal/audit_log.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "audit_file.hpp"
#include "audit_line.hpp"
#include "audit_rotation.hpp"

namespace certherd::journal {
namespace fs = std::filesystem;
namespace {

Result<os::Fd> open_log(const fs::path& path) {
  os::Fd fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!fd) return os::system_fault("cannot open the audit log", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return os::system_fault("cannot look at", path, errno);
  if (!S_ISREG(status.st_mode))
    return Fault{"the audit log " + path.string() + " is not a regular file", "set audit_log to another path", {}};
  return fd;
}

/// The log, open and locked, and where the chain ends.
struct LockedLog {
  os::Fd fd;
  FileEnd end;          ///< of the log; of the newest rotated file when the log is empty
  bool starts = false;  ///< the log is empty
};

/// logrotate may rename the log between any two of our steps. Who writes into a file that has just lost its name still
/// writes before whoever finds the new one empty: await_older().
Result<LockedLog> lock_log(const fs::path& path) {
  for (;;) {
    auto fd = open_log(path);
    if (!fd) return fd.fault();
    if (::flock(fd->get(), LOCK_EX) != 0) return os::system_fault("cannot lock the audit log", path, errno);
    if (!is_at(fd->get(), path)) continue;
    auto end = read_end(fd->get(), path);
    if (!end) return end.fault();
    const bool starts = end->last.seq == 0 && end->broken.empty();
    if (!starts) return LockedLog{std::move(*fd), std::move(*end), false};
    if (await_older(path, fd->get())) return LockedLog{std::move(*fd), rotated_end(path).value_or(FileEnd{}), true};
  }
}

/// One write, taken back if it did not go through whole: readers and the next append find entries only.
Result<void> write_whole(int fd, const fs::path& path, std::string_view text) {
  const off_t before = ::lseek(fd, 0, SEEK_END);
  ssize_t written = 0;
  do {
    written = ::write(fd, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(text.size())) return {};
  // A short write says nothing of its reason; a full disk is the usual one.
  const int error = written < 0 ? errno : ENOSPC;
  if (before < 0 || ::ftruncate(fd, before) != 0)
    return os::system_fault("half an entry is left in the audit log", path, error);
  return os::system_fault("cannot write to the audit log", path, error);
}

/// Adds the last lines of a rotated file before those that follow it, until there are n.
Result<void> add_older(std::vector<std::string>& backwards, const RotatedFile& file, std::size_t n) {
  std::deque<std::string> last;
  auto read = lines_of(file, [&](const std::string& line, bool whole) {
    if (whole) last.push_back(line);
    if (last.size() > n - backwards.size()) last.pop_front();
    return true;
  });
  backwards.insert(backwards.end(), last.rbegin(), last.rend());
  return read;
}

}  // namespace

Result<AuditLog> AuditLog::open(const fs::path& path, std::optional<AuditHead> head) {
  std::error_code error;
  if (path.has_parent_path() && !fs::is_directory(path.parent_path(), error))
    if (auto made = os::make_directory(path.parent_path(), 0750); !made) return made.fault();
  if (const auto fd = open_log(path); !fd) return fd.fault();
  return AuditLog(path, head.value_or(AuditHead{}));
}

Result<AuditHead> AuditLog::append(const AuditEntry& entry) {
  const std::lock_guard guard(*mutex_);
  // Opened anew each time: the file may have been moved away since.
  const auto log = lock_log(path_);
  if (!log) return log.fault();
  const auto& [fd, end, starts] = *log;

  // The file is ahead of the head after a crash and when another process appends. Otherwise the head counts.
  AuditHead last = end.last.seq > head_.seq ? end.last : head_;
  std::string text;
  if (!end.broken.empty()) {
    const std::string line = recovered_line(entry.time, broken_tail(end.broken), last);
    last = {last.seq + 1, std::string(chain_place(line)->hash)};
    text = (starts ? "" : "\n") + line + "\n";
  }
  const std::string line = audit_line(entry, last);
  text += line + "\n";
  if (auto written = write_whole(fd.get(), path_, text); !written) return written.fault();
  if (::fsync(fd.get()) != 0) return os::system_fault("cannot sync the audit log", path_, errno);
  if (starts)
    if (auto synced = os::sync_directory(fs::absolute(path_).parent_path()); !synced) return synced.fault();
  head_ = {last.seq + 1, std::string(chain_place(line)->hash)};
  return head_;
}

Result<std::vector<std::string>> tail(const fs::path& path, std::size_t n) {
  std::vector<std::string> lines;
  if (n == 0) return lines;
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno != ENOENT) return os::system_fault("cannot read the audit log", path, errno);
  if (fd) {
    auto walked = lines_backwards(fd.get(), path, [&](std::string_view line, bool whole) {
      if (whole) lines.emplace_back(line);
      return lines.size() < n;
    });
    if (!walked) return walked.fault();
  }
  if (lines.size() < n) {
    const auto files = rotated_files(path);
    if (!files) return files.fault();
    for (auto file = files->rbegin(); file != files->rend() && lines.size() < n; ++file) {
      if (file->first == 0) continue;
      if (auto added = add_older(lines, *file, n); !added) return added.fault();
    }
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace certherd::journal
