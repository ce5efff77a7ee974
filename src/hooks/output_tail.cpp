#include "output_tail.hpp"

#include <certherd/base/text.hpp>

namespace certherd::hooks {
namespace {

/// Whole lines are held beyond the limit, so that a secret in several lines is seen whole by the redaction although the
/// cut comes after it.
constexpr std::size_t held_for_each_shown = 4;

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

void OutputTail::add(std::string_view line) {
  lines_.emplace_back(line);
  held_ += line.size() + 1;
  while (lines_.size() > 1 && held_ - lines_.front().size() - 1 > held_for_each_shown * limit_) {
    held_ -= lines_.front().size() + 1;
    lines_.pop_front();
    ++dropped_;
  }
}

std::string OutputTail::text(const Redactor& redactor) const {
  std::string whole;
  for (const auto& line : lines_) whole += line + "\n";
  if (!whole.empty()) whole.pop_back();
  whole = printable(redactor(whole));
  if (whole.size() <= limit_ && dropped_ == 0) return whole;

  std::size_t start = whole.size() <= limit_ ? 0 : whole.size() - limit_;
  // At the start of a line, if one begins in what is kept; else inside of one, between two characters.
  if (start > 0 && whole[start - 1] != '\n') {
    if (const auto newline = whole.find('\n', start); newline != std::string::npos) {
      start = newline + 1;
    } else {
      while (start < whole.size() && continues_character(whole[start])) ++start;
    }
  }
  return "[output before this was dropped]\n" + whole.substr(start);
}

}  // namespace certherd::hooks
