#pragma once

#include <certherd/base/redaction.hpp>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace certherd::hooks {

/// Keeps the end of what a program prints, whatever the amount.
class OutputTail {
public:
  explicit OutputTail(std::size_t limit) : limit_(limit) {}
  void add(std::string_view line);
  /// The last lines, at most `limit` bytes of them, redacted and printable; after a note of what is missing before
  /// them.
  std::string text(const Redactor& redactor) const;

private:
  std::size_t limit_;
  std::deque<std::string> lines_;
  std::size_t held_ = 0;     ///< bytes in lines_, newlines included
  std::size_t dropped_ = 0;  ///< lines dropped at the front
};

}  // namespace certherd::hooks
