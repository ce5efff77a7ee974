#pragma once

#include <certherd/base/result.hpp>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>

namespace certherd::certbot {

/// Lines of text, bounded: the first and the last of a flood are kept, and how much lies between is told.
class Transcript {
public:
  Transcript(std::size_t head_limit, std::size_t tail_limit) : head_limit_(head_limit), tail_limit_(tail_limit) {}

  void add(std::string_view line);
  /// Tells of bytes that were never added.
  void pass_over(std::uintmax_t bytes) { dropped_ += bytes; }
  std::string text() const;

private:
  std::size_t head_limit_;
  std::size_t tail_limit_;
  std::string head_;
  std::deque<std::string> tail_;
  std::size_t tail_size_ = 0;
  std::uintmax_t dropped_ = 0;
};

/// Replaces a file by one of mode 0600. Not synced: a transcript is for reading, not for recovery.
Result<void> write_private(const std::filesystem::path& path, std::string_view content);

}  // namespace certherd::certbot
