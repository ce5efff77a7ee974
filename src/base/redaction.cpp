#include <certherd/base/redaction.hpp>
#include <certherd/base/text.hpp>

#include <algorithm>

namespace certherd {
namespace {

constexpr std::string_view hidden = "[redacted]";
constexpr std::size_t shortest = 4;

/// JSON and Python's repr escape alike what matters here.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string base64(std::string_view text) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, text.size() - at);
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < have ? static_cast<unsigned char>(text[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= have ? digits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace

void Redactor::add(std::string_view secret) {
  if (secret.size() < shortest) return;
  add_literal(std::string(secret));
  add_literal(percent_encoded(secret, true));
  add_literal(percent_encoded(secret, false));
  add_literal(escaped(secret));
  add_literal(base64(secret));
  // A secret of several lines (a private key) is met line by line in a log.
  if (secret.find('\n') == std::string_view::npos) return;
  for (std::size_t start = 0; start < secret.size();) {
    const std::size_t end = std::min(secret.find('\n', start), secret.size());
    const std::string_view line = secret.substr(start, end - start);
    if (line.size() >= 16 && !line.starts_with("-----")) add_literal(std::string(line));
    start = end + 1;
  }
}

void Redactor::add_basic_auth(std::string_view user, std::string_view password) {
  if (!password.empty()) add_literal(base64(std::string(user) + ":" + std::string(password)));
}

void Redactor::add_literal(std::string form) {
  const auto longer = [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  };
  const auto place = std::lower_bound(secrets_.begin(), secrets_.end(), form, longer);
  if (place == secrets_.end() || *place != form) secrets_.insert(place, std::move(form));
}

std::string Redactor::operator()(std::string_view text) const {
  std::string out(text);
  for (const auto& secret : secrets_) {
    for (std::size_t at = out.find(secret); at != std::string::npos; at = out.find(secret, at + hidden.size()))
      out.replace(at, secret.size(), hidden);
  }
  return out;
}

}  // namespace certherd
