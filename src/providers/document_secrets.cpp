#include "examination.hpp"

#include <certherd/base/text.hpp>

#include <boost/json.hpp>

#include <array>

namespace certherd::providers {
namespace {

bool speaks_of_secret(std::string_view name) {
  static constexpr std::array words = {"secret",  "password", "passwd", "private_key",
                                       "api_key", "apikey",   "token",  "pass"};
  const std::string lower = to_lower(name);
  if (lower.ends_with("_uri") || lower.ends_with("_url") || lower.ends_with("_file")) return false;
  for (const auto* word : words)
    if (contains(lower, word)) return true;
  return false;
}

void collect(const boost::json::value& value, bool secret, std::vector<std::string>& secrets) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) collect(member, secret || speaks_of_secret(key), secrets);
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) collect(element, secret, secrets);
  } else if (const auto* text = value.if_string(); text && secret) {
    secrets.emplace_back(*text);
  }
}

}  // namespace

std::vector<std::string> secrets_in_document(const std::string& text) {
  std::vector<std::string> secrets;
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(text, error);
  if (!error && (parsed.is_object() || parsed.is_array())) {
    collect(parsed, false, secrets);
    return secrets;
  }
  const std::string whole(trim(text));
  if (whole.starts_with("-----BEGIN") || !contains(whole, "\n")) {
    if (!whole.empty()) secrets.push_back(whole);
    return secrets;
  }
  for (const auto& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || !speaks_of_secret(trim(line.substr(0, equals)))) continue;
    const std::string value(trim(std::string_view(line).substr(equals + 1)));
    if (!value.empty()) secrets.push_back(value);
  }
  return secrets;
}

}  // namespace certherd::providers
