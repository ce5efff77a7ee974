#include <certherd/journal/audit_log.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <fstream>

#include "audit_line.hpp"

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
  ChainCheck(const std::optional<AuditHead>& head, const AuditHead& start) : head_(head), last_(start) {}

  /// False: the problem is found. `whole`: the line ended with a newline.
  bool next(const std::string& line, bool whole) {
    ++line_number_;
    const auto place = chain_place(line);
    if (!whole || !place) return set_aside(line, whole);
    if (!hash_is_right(*place)) return problem("the line was changed: its text does not match its hash");
    if (!follows(*place)) return false;
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
    }
    verdict_.ok = verdict_.problem.empty();
    return verdict_;
  }

private:
  bool problem(const std::string& text) {
    verdict_.problem = text;
    verdict_.line = line_number_;
    return false;
  }

  /// A line that is no entry may be the half one that a crash left: the next line has to say so.
  bool set_aside(const std::string& line, bool whole) {
    if (broken_) return broken_problem();
    broken_ = line;
    broken_line_ = line_number_;
    broken_whole_ = whole;
    return true;
  }

  bool broken_problem() {
    verdict_.problem = broken_whole_ ? "the line is not an audit entry"
                                     : "the line is cut off; the next entry will record that, if a crash did it";
    verdict_.line = broken_line_;
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
  AuditHead last_;
  AuditVerdict verdict_;
  std::uint64_t line_number_ = 0;
  std::optional<std::string> broken_;  ///< a line that was no entry, until the next one
  std::uint64_t broken_line_ = 0;
  bool broken_whole_ = false;
};

AuditVerdict unreadable(const fs::path& path, int error) {
  AuditVerdict verdict;
  verdict.problem = os::system_fault("cannot read the audit log", path, error).text();
  return verdict;
}

}  // namespace

AuditVerdict verify_audit(const fs::path& path, const std::optional<AuditHead>& head, const AuditHead& start) {
  ChainCheck check(head, start);
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return check.end();
  // The lock keeps an entry that is just being written from looking like half a one.
  if (!fd || ::flock(fd.get(), LOCK_SH) != 0) return unreadable(path, errno);
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable(path, errno);
  std::string line;
  while (std::getline(file, line))
    if (!check.next(line, !file.eof())) break;
  if (file.bad()) return unreadable(path, EIO);
  return check.end();
}

}  // namespace certherd::journal
