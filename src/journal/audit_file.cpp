#include "audit_file.hpp"

#include <certherd/os/file.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace certherd::journal {
namespace {

constexpr off_t block = 64 * 1024;

Result<std::string> read_at(int fd, const std::filesystem::path& path, off_t offset, off_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t count = ::pread(fd, text.data() + got, text.size() - got, offset + static_cast<off_t>(got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return os::system_fault("cannot read", path, errno);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  text.resize(got);
  return text;
}

}  // namespace

Result<void> lines_backwards(int fd, const std::filesystem::path& path,
                             const std::function<bool(std::string_view line, bool whole)>& line) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return os::system_fault("cannot look at", path, errno);
  // A line that spans blocks is gathered from its pieces, last first: prepending would take quadratic time.
  std::vector<std::string> pieces;
  const auto gathered = [&](std::string_view first) {
    std::string text(first);
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) text += *piece;
    pieces.clear();
    return text;
  };
  bool at_end = true;  // nothing but the text after the last newline has been seen
  for (off_t offset = status.st_size; offset > 0;) {
    const off_t size = std::min(offset, block);
    offset -= size;
    const auto text = read_at(fd, path, offset, size);
    if (!text) return text.fault();
    std::string_view rest = *text;
    for (auto newline = rest.rfind('\n'); newline != rest.npos; newline = rest.rfind('\n')) {
      const std::string found = gathered(rest.substr(newline + 1));
      rest = rest.substr(0, newline);
      const bool nothing = at_end && found.empty();
      if (!nothing && !line(found, !at_end)) return {};
      at_end = false;
    }
    pieces.emplace_back(rest);
  }
  const std::string first = gathered({});
  if (!at_end || !first.empty()) line(first, !at_end);
  return {};
}

}  // namespace certherd::journal
