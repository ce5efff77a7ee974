#include <certherd/journal/audit_log.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "audit_line.hpp"
#include "audit_rotation.hpp"

namespace certherd::journal {
namespace fs = std::filesystem;
namespace {

std::string entries_text(std::uint64_t first, std::uint64_t last) {
  return first == last ? "entry " + std::to_string(first) + " is"
                       : "entries " + std::to_string(first) + " to " + std::to_string(last) + " are";
}

/// Follows the chain line by line until something is wrong.
class ChainCheck {
public:
  /// `may_begin_later`: earlier files may have been deleted.
  ChainCheck(const std::optional<AuditHead>& head, bool may_begin_later)
      : head_(head), may_begin_later_(may_begin_later) {}

  /// The lines that follow are those of this file.
  void begin_file(const fs::path& path) {
    verdict_.files.push_back(path);
    line_number_ = 0;
  }

  /// False: the problem is found. `whole`: the line ended with a newline.
  bool next(const std::string& line, bool whole) {
    ++line_number_;
    const auto place = chain_place(line);
    if (!whole || !place) return set_aside(line, whole);
    if (!hash_is_right(*place)) return problem("the line was changed: its text does not match its hash");
    if (verdict_.entries == 0 && may_begin_later_ && !broken_) begin_at(*place);
    if (!follows(*place)) return false;
    if (verdict_.entries == 0) verdict_.first = place->seq;
    if (broken_ && recovered_tail(line) != broken_tail(*broken_)) return broken_problem();
    broken_.reset();
    last_ = {place->seq, std::string(place->hash)};
    ++verdict_.entries;
    if (head_ && head_->seq == last_.seq && head_->hash != last_.hash)
      return problem("entry " + std::to_string(last_.seq) +
                     " is not the one that the database remembers: the log was " + "rewritten");
    return true;
  }

  AuditVerdict end() {
    if (verdict_.problem.empty() && broken_) broken_problem();
    if (verdict_.problem.empty() && head_ && head_->seq > last_.seq) {
      verdict_.problem = entries_text(last_.seq + 1, head_->seq) + " missing at the end: the database remembers " +
                         "entry " + std::to_string(head_->seq);
      verdict_.line = line_number_ + 1;
      if (!verdict_.files.empty()) verdict_.file = verdict_.files.back();
    }
    verdict_.ok = verdict_.problem.empty();
    return verdict_;
  }

  AuditVerdict unreadable(const Fault& fault) {
    verdict_.problem = fault.text();
    verdict_.ok = false;
    return verdict_;
  }

private:
  bool problem(const std::string& text) {
    verdict_.problem = text;
    verdict_.line = line_number_;
    verdict_.file = verdict_.files.back();
    return false;
  }

  /// What stands before the oldest entry cannot be checked any more.
  void begin_at(const ChainPlace& place) {
    if (place.seq == 1) return;
    last_ = {place.seq - 1, std::string(place.prev)};
    verdict_.note = "begins at entry " + std::to_string(place.seq) + ": earlier files are gone";
  }

  /// A line that is no entry may be the half one that a crash left: the next line has to say so.
  bool set_aside(const std::string& line, bool whole) {
    if (broken_) return broken_problem();
    broken_ = line;
    broken_line_ = line_number_;
    broken_file_ = verdict_.files.back();
    broken_whole_ = whole;
    return true;
  }

  bool broken_problem() {
    verdict_.problem = broken_whole_ ? "the line is not an audit entry"
                                     : "the line is cut off; the next entry will record that, if a crash did it";
    verdict_.line = broken_line_;
    verdict_.file = broken_file_;
    return false;
  }

  bool follows(const ChainPlace& place) {
    const std::uint64_t expected = last_.seq + 1;
    if (place.seq == expected && place.prev == last_.hash) return true;
    if (broken_) return broken_problem();
    if (place.seq > expected)
      return problem(entries_text(expected, place.seq - 1) + " missing before entry " + std::to_string(place.seq) +
                     ": removed, or the lines are out of order");
    if (place.seq < expected)
      return problem("entry " + std::to_string(place.seq) + " stands after entry " + std::to_string(last_.seq) +
                     ": inserted, repeated or out of order");
    return problem("entry " + std::to_string(place.seq) +
                   " does not continue the one before it: either of them was replaced");
  }

  std::optional<AuditHead> head_;
  bool may_begin_later_;
  AuditHead last_;
  AuditVerdict verdict_;
  std::uint64_t line_number_ = 0;
  std::optional<std::string> broken_;  ///< a line that was no entry, until the next one
  std::uint64_t broken_line_ = 0;
  fs::path broken_file_;
  bool broken_whole_ = false;
};

/// The log's files as they stand together: nothing is renamed between the first look and the last.
struct Snapshot {
  std::vector<RotatedFile> files;  ///< oldest first, the log itself last if it is there
  os::Fd lock;                     ///< of the log: keeps an entry that is being written from looking like half a one
};

Result<Snapshot> snapshot(const fs::path& path) {
  for (;;) {
    Snapshot seen;
    seen.lock.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const bool missing = !seen.lock && errno == ENOENT;
    if (!missing && (!seen.lock || ::flock(seen.lock.get(), LOCK_SH) != 0))
      return os::system_fault("cannot read the audit log", path, errno);
    auto rotated = rotated_files(path);
    if (!rotated) return rotated.fault();
    seen.files = std::move(rotated).value();
    struct stat named {};
    if (missing ? ::stat(path.c_str(), &named) != 0 : is_at(seen.lock.get(), path)) {
      if (!missing) seen.files.push_back({path, false, 0});
      return seen;
    }
  }
}

AuditVerdict verify_once(const std::optional<AuditHead>& head, const Result<Snapshot>& seen) {
  const std::size_t own = seen && seen->lock ? 1 : 0;
  ChainCheck check(head, seen && seen->files.size() > own);
  if (!seen) return check.unreadable(seen.fault());
  for (const auto& file : seen->files) {
    check.begin_file(file.path);
    bool good = true;
    const auto read = lines_of(file, [&](const std::string& line, bool whole) {
      good = check.next(line, whole);
      return good;
    });
    if (!read) return check.unreadable(read.fault());
    if (!good) break;
  }
  return check.end();
}

bool same_files(const Result<Snapshot>& a, const Result<Snapshot>& b) {
  if (!a || !b) return !a && !b;
  const auto same = [](const RotatedFile& x, const RotatedFile& y) { return x.path == y.path && x.first == y.first; };
  return std::equal(a->files.begin(), a->files.end(), b->files.begin(), b->files.end(), same);
}

}  // namespace

AuditVerdict verify_audit(const fs::path& path, const std::optional<AuditHead>& head) {
  // A problem that shows while files are renamed or compressed may be none: as long as they change, look again.
  for (auto seen = snapshot(path);;) {
    auto verdict = verify_once(head, seen);
    if (verdict.ok) return verdict;
    auto again = snapshot(path);
    if (same_files(seen, again)) return verdict;
    seen = std::move(again);
  }
}

}  // namespace certherd::journal
