#include <certherd/journal/audit_log.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "audit_file.hpp"
#include "audit_line.hpp"

namespace certherd::journal {
namespace fs = std::filesystem;
namespace {

/// What the end of the file says.
struct FileEnd {
  AuditHead last;      ///< the last line that is an entry with the right hash
  std::string broken;  ///< what follows the last newline
};

Result<os::Fd> open_log(const fs::path& path) {
  os::Fd fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!fd) return os::system_fault("cannot open the audit log", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return os::system_fault("cannot look at", path, errno);
  if (!S_ISREG(status.st_mode))
    return Fault{"the audit log " + path.string() + " is not a regular file", "set audit_log to another path", {}};
  return fd;
}

Result<FileEnd> read_end(int fd, const fs::path& path) {
  FileEnd end;
  auto walked = lines_backwards(fd, path, [&](std::string_view line, bool whole) {
    if (!whole) {
      end.broken = line;
      return true;
    }
    const auto place = chain_place(line);
    if (!place || !hash_is_right(*place)) return true;
    end.last = {place->seq, std::string(place->hash)};
    return false;
  });
  if (!walked) return walked.fault();
  return end;
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
  const auto fd = open_log(path_);
  if (!fd) return fd.fault();
  if (::flock(fd->get(), LOCK_EX) != 0) return os::system_fault("cannot lock the audit log", path_, errno);
  const auto end = read_end(fd->get(), path_);
  if (!end) return end.fault();

  // The file is ahead of the head after a crash and when another process appends. Otherwise the head counts.
  AuditHead last = end->last.seq > head_.seq ? end->last : head_;
  std::string text;
  if (!end->broken.empty()) {
    const std::string line = recovered_line(entry.time, broken_tail(end->broken), last);
    last = {last.seq + 1, std::string(chain_place(line)->hash)};
    text = "\n" + line + "\n";
  }
  const std::string line = audit_line(entry, last);
  text += line + "\n";
  if (auto written = write_whole(fd->get(), path_, text); !written) return written.fault();
  if (::fsync(fd->get()) != 0) return os::system_fault("cannot sync the audit log", path_, errno);
  head_ = {last.seq + 1, std::string(chain_place(line)->hash)};
  return head_;
}

Result<std::vector<std::string>> tail(const fs::path& path, std::size_t n) {
  std::vector<std::string> lines;
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return lines;
  if (!fd) return os::system_fault("cannot read the audit log", path, errno);
  if (n == 0) return lines;
  auto walked = lines_backwards(fd.get(), path, [&](std::string_view line, bool whole) {
    if (whole) lines.emplace_back(line);
    return lines.size() < n;
  });
  if (!walked) return walked.fault();
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace certherd::journal
