#include <certherd/base/text.hpp>
#include <certherd/config/load.hpp>
#include <certherd/os/file.hpp>

#include <algorithm>
#include <regex>

namespace certherd::config {
namespace {

/// Values of keys that sound like secrets become asterisks of the same length, so that the caret still fits: the line
/// goes to terminals and logs, and a typing error in the key of a token is no reason to show the token.
std::string without_secrets(std::string line) {
  static const std::regex secret(
      R"(([\w-]*(?:token|secret|pass|key|hmac|auth|credential|webhook)[\w-]*\s*:\s*)([^\s{\[,}#][^,}]*))",
      std::regex::icase);
  static const std::regex harmless(
      R"(^(?:key_type|key_mode|reuse_key|rsa_key_size|systemd_credential|credentials_file)\b)");
  std::string out;
  auto rest = line.cbegin();
  for (std::smatch match; std::regex_search(rest, line.cend(), match, secret); rest = match[0].second) {
    out.append(rest, match[1].second);
    const std::string key = match[1].str();
    const std::string value = match[2].str();
    out += std::regex_search(key, harmless) ? value : std::string(value.size(), '*');
  }
  return out.append(rest, line.cend());
}

/// The marked line and a caret below the column. Long lines are cut around the place; tabs keep their width.
std::string place(const SourceMark& mark) {
  const auto content = os::read_file(mark.file.text());
  if (!content) return {};
  const auto lines = split(*content, '\n');
  if (mark.line < 1 || static_cast<std::size_t>(mark.line) > lines.size()) return {};
  constexpr std::size_t width = 100;
  std::string line = without_secrets(lines[static_cast<std::size_t>(mark.line) - 1]);
  auto column = static_cast<std::size_t>(std::max(mark.column, 1)) - 1;
  column = std::min(column, line.size());
  std::size_t from = 0;
  if (line.size() > width && column > width / 2) from = column - width / 2;
  line = line.substr(from, width);
  std::string before = line.substr(0, column - from);
  for (char& c : before)
    if (c != '\t') c = ' ';
  return "\n    " + printable(line) + "\n    " + before + "^";
}

}  // namespace

std::string show_fault(const Fault& fault) {
  std::string text;
  if (fault.mark) text += to_string(*fault.mark) + ": ";
  text += fault.message;
  if (fault.mark) text += place(*fault.mark);
  if (!fault.fix.empty()) text += "\n    " + fault.fix;
  return text;
}

}  // namespace certherd::config
