#include "transcript.hpp"

#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace certherd::certbot {

void Transcript::add(std::string_view line) {
  if (tail_.empty() && dropped_ == 0 && head_.size() + line.size() < head_limit_) {
    head_ += line;
    head_ += '\n';
    return;
  }
  tail_.emplace_back(line);
  tail_size_ += line.size() + 1;
  while (tail_size_ > tail_limit_ && tail_.size() > 1) {
    const std::size_t size = tail_.front().size() + 1;
    tail_.pop_front();
    tail_size_ -= size;
    dropped_ += size;
  }
}

std::string Transcript::text() const {
  std::string whole = head_;
  if (dropped_ > 0) whole += "[" + std::to_string(dropped_) + " bytes left out]\n";
  for (const auto& line : tail_) {
    whole += line;
    whole += '\n';
  }
  return whole;
}

Result<void> write_private(const std::filesystem::path& path, std::string_view content) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return os::system_fault("cannot replace", path, errno);
  const os::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return os::system_fault("cannot create", path, errno);
  while (!content.empty()) {
    const ssize_t size = ::write(fd.get(), content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return os::system_fault("cannot write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

}  // namespace certherd::certbot
