#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certherd {

std::string_view trim(std::string_view text);
/// Splits at each separator; "a,,b" gives three parts, "" gives one empty part.
std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string to_lower(std::string_view text);  ///< ASCII only
bool contains(std::string_view text, std::string_view part);
/// Whole decimal number without sign, spaces or leading zeros.
std::optional<long long> parse_number(std::string_view text);
/// The candidate nearest to `word` by edit distance, if near enough to be what was meant (a third of its length).
std::optional<std::string> closest(std::string_view word, std::span<const std::string> candidates);
/// Printable form of text from outside: control characters and invalid UTF-8 become \xNN, so that no log line or
/// terminal can be broken by what a server sent. Newline and tab stay.
std::string printable(std::string_view text);
/// With every byte but letters, digits and "-._~" as %XX (RFC 3986 §2.1).
std::string percent_encoded(std::string_view text, bool upper_case = true);
/// Cuts to at most `limit` bytes at a UTF-8 boundary and says how much is missing.
std::string bounded(std::string_view text, std::size_t limit);

}  // namespace certherd
