#pragma once

#include <certherd/base/result.hpp>
#include <certherd/journal/audit_entry.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace certherd::journal {

/// The append-only log of who did what: one JSON object a line, each holding the hash of the one before.
///
/// An entry is written by one write(2) and synced under an exclusive flock(2), so that several processes may append. An
/// entry that cannot be written whole is taken back. When a crash leaves half an entry at the end (no newline), the
/// next append keeps it, ends its line and writes an entry with the action "recovered" that names its length and
/// SHA-256; verify_audit() accepts exactly that pair.
///
/// What was cut off or changed is never papered over: when the file ends before the entry that the database remembers
/// (`head`), or its last entry is another one, the chain goes on from the remembered head, so that the gap stays
/// visible to verify_audit() for ever.
///
/// The file may be rotated at any time by renaming it, with or without a new one made in its place, and never by
/// copying and truncating it: the chain goes on in the new file from what the rotated ones hold or `head` says,
/// whichever is further, half an entry at the end of the rotated file included.
class AuditLog {
public:
  /// Creates the file (0640) and its directory (0750) if they are missing. `head`: what Journal::audit_head() says.
  static Result<AuditLog> open(const std::filesystem::path& path, std::optional<AuditHead> head);

  /// Writes and syncs one entry, blocking; several threads wait for each other. Gives the new head, for
  /// Journal::save_audit_head(). Fault: the log cannot be opened, read, written or synced; nothing half is left.
  Result<AuditHead> append(const AuditEntry& entry);

private:
  AuditLog(std::filesystem::path path, AuditHead head)
      : path_(std::move(path)), head_(std::move(head)), mutex_(std::make_unique<std::mutex>()) {}
  std::filesystem::path path_;
  AuditHead head_;
  std::unique_ptr<std::mutex> mutex_;  ///< behind a pointer, so that the log can be moved
};

/// What checking the chain found.
struct AuditVerdict {
  bool ok = false;
  std::uint64_t entries = 0;                 ///< whole and in order, before the problem if there is one
  std::uint64_t first = 0;                   ///< number of the entry that the check began with; 0: there is none
  std::vector<std::filesystem::path> files;  ///< what was read, oldest first
  std::string note;                   ///< "begins at entry 1234: earlier files are gone"; empty: from the beginning
  std::string problem;                ///< empty when ok
  std::filesystem::path file;         ///< where the problem shows
  std::optional<std::uint64_t> line;  ///< in that file, counted from 1
};

/// Checks every line and the chain, through the rotated files beside `path` (".1", ".2.gz", "-20261124" …) and `path`
/// itself: finds a changed, removed, reordered, inserted or half line, and by `head` (what the database remembers)
/// entries cut off at the end or a log rewritten as a whole. Entries beyond the head are fine: a crash may come between
/// the log and the database. When rotated files are there and the oldest of them are gone, the check begins with the
/// oldest entry that there is, and the verdict says so.
AuditVerdict verify_audit(const std::filesystem::path& path, const std::optional<AuditHead>& head);

/// The last n whole lines, oldest first, read from the end of the log and, where it is too short, of the rotated files.
/// No file: none.
Result<std::vector<std::string>> tail(const std::filesystem::path& path, std::size_t n);

}  // namespace certherd::journal
