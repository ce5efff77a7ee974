#include <certherd/base/text.hpp>
#include <certherd/providers/configobj.hpp>

#include <algorithm>
#include <cctype>

namespace certherd::providers {
namespace {

// ConfigObj has no escapes. What no quoting can carry is written as a reference to a key of [DEFAULT], a section where
// ConfigObj looks and no plugin does: "%(" itself, a carriage return (stripped from line ends) and a quote where both
// kinds of triple quotes occur.
constexpr std::string_view percent_reference = "%(certherd_percent)s";
constexpr std::string_view return_reference = "%(certherd_return)s";
constexpr std::string_view quote_reference = "%(certherd_quote)s";
constexpr std::string_view reference_section =
    "[DEFAULT]\ncertherd_percent = %\ncertherd_return = \"\r\"\ncertherd_quote = '\"'\n";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

bool is_utf8(std::string_view text) {
  const auto continues = [&](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0) return false;
    for (std::size_t more = 1; more < length; ++more)
      if (!continues(at + more)) return false;
    const auto second = length > 1 ? static_cast<unsigned char>(text[at + 1]) : 0;
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
    if (overlong || outside) return false;
    at += length;
  }
  return true;
}

std::string quoted(const std::string& value) {
  const bool single = contains(value, "'");
  const bool twofold = contains(value, "\"");
  if (!contains(value, "\n") && !(single && twofold)) return twofold ? "'" + value + "'" : "\"" + value + "\"";
  if (!contains(value, "\"\"\"")) return "\"\"\"" + value + "\"\"\"";
  if (!contains(value, "'''")) return "'''" + value + "'''";
  return "\"\"\"" + replaced(value, "\"", quote_reference) + "\"\"\"";
}

bool is_key(std::string_view key) {
  return !key.empty() &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

}  // namespace

Result<std::string> write_configobj(const std::map<std::string, std::string>& values) {
  std::string text;
  for (const auto& [key, value] : values) {
    if (!is_key(key)) return Fault{"'" + printable(key) + "' cannot be the name of a credentials key", "", {}};
    if (value.find('\0') != std::string::npos)
      return Fault{"the value of '" + key + "' holds a NUL byte, which no credentials file can carry", "", {}};
    if (!is_utf8(value))
      return Fault{"the value of '" + key + "' is not UTF-8, and certbot reads nothing else", "", {}};
    const std::string carried =
        replaced(replaced(value, "%(", std::string(percent_reference) + "("), "\r", return_reference);
    text += key + " = " + quoted(carried) + "\n";
  }
  if (contains(text, "%(certherd_")) text += reference_section;
  return text;
}

}  // namespace certherd::providers
