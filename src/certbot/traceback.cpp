#include "traceback.hpp"

#include <certherd/base/text.hpp>

#include <array>

namespace certherd::certbot {
namespace {

constexpr std::string_view heading = "Traceback (most recent call last):";
constexpr std::array<std::string_view, 2> joints{
    "\nDuring handling of the above exception, another exception occurred:",
    "\nThe above exception was the direct cause of the following exception:"};

/// What follows the stack frames: frames are lines indented by two ("File …") and four or more spaces.
std::string exception_of(std::string_view block) {
  bool in_frames = true;
  std::string text;
  while (!block.empty()) {
    const auto end = block.find('\n');
    const auto line = block.substr(0, end);
    block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    in_frames = in_frames && (line.empty() || line.starts_with("  "));
    if (in_frames) continue;
    if (!text.empty()) text += '\n';
    text += line;
  }
  return std::string(trim(text));
}

}  // namespace

std::vector<std::string> exceptions_in(std::string_view text) {
  std::vector<std::string> exceptions;
  for (auto at = text.find(heading); at != std::string_view::npos;) {
    const auto start = at + heading.size();
    at = text.find(heading, start);
    std::string_view block = text.substr(start, at == std::string_view::npos ? at : at - start);
    for (const auto joint : joints) block = block.substr(0, block.find(joint));
    if (auto exception = exception_of(block); !exception.empty()) exceptions.push_back(std::move(exception));
  }
  return exceptions;
}

}  // namespace certherd::certbot
