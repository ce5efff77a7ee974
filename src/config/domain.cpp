#include <certherd/base/text.hpp>
#include <certherd/config/domain.hpp>
#include <certherd/model/zones.hpp>

#include <algorithm>

namespace certherd::config {
namespace {

constexpr std::size_t longest_name = 253;  // RFC 1035 §2.3.4 in presentation form, without the trailing dot
constexpr std::size_t longest_label = 63;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_ldh(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_number(std::string_view label) {
  return std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<void> check_label(const std::string& label, const std::string& shown) {
  if (label.empty()) return Fault{shown + " has an empty label", "remove the doubled or leading dot", {}};
  if (label.size() > longest_label)
    return Fault{shown + " has a label of " + std::to_string(label.size()) + " characters; DNS allows 63", "", {}};
  if (contains(label, "*"))
    return Fault{shown + " has a '*' that is not its whole first label",
                 "a wildcard is written '*.example.com' and covers one level",
                 {}};
  if (contains(label, "_"))
    return Fault{
        shown + " has an underscore, and no CA issues certificates for such names", "use a name without it", {}};
  if (!std::all_of(label.begin(), label.end(), is_ldh))
    return Fault{shown + " has characters that a host name cannot have", "use letters, digits, '-' and '.'", {}};
  if (label.front() == '-' || label.back() == '-')
    return Fault{shown + " has a label that begins or ends with '-'", "", {}};
  return {};
}

std::string shown_as(std::string_view text) {
  return "'" + printable(bounded(text, 80)) + "'";
}

/// Checks that hold for every name.
Result<std::string> normalise_name(std::string_view text) {
  const std::string shown = shown_as(text);
  if (!is_ascii(text))
    return Fault{shown + " is an internationalized name in its Unicode form",
                 "write its A-label form, which begins with 'xn--'; the command idn2 prints it",
                 {}};
  std::string name = to_lower(text);
  if (name.ends_with('.')) name.pop_back();
  if (name.empty()) return Fault{"a domain is empty", "", {}};
  if (contains(name, ":") || contains(name, "/"))
    return Fault{shown + " is not a domain name", "write the bare name, without scheme, port or path", {}};

  const bool wildcard = name.starts_with("*.");
  const auto labels = split(std::string_view(name).substr(wildcard ? 2 : 0), '.');
  for (const auto& label : labels)
    if (auto fine = check_label(label, shown); !fine) return fine.fault();
  if (is_number(labels.back()))
    return Fault{shown + " is an IP address; the DNS-01 challenge proves control of names only", "", {}};
  const std::size_t challenge_length = challenge_name(name).size();
  if (challenge_length > longest_name)
    return Fault{shown + " is too long: with '_acme-challenge.' before it the name has " +
                     std::to_string(challenge_length) + " characters, and DNS allows 253",
                 "use a name of at most 237 characters",
                 {}};
  return name;
}

}  // namespace

Result<std::string> normalise_domain(std::string_view text) {
  auto name = normalise_name(text);
  if (!name) return name;
  const bool wildcard = name->starts_with("*.");
  if (!contains(std::string_view(*name).substr(wildcard ? 2 : 0), "."))
    return Fault{
        shown_as(text) + " has a single label; certificates are issued for names below a public suffix", "", {}};
  return name;
}

Result<std::string> normalise_zone(std::string_view text) {
  auto name = normalise_name(text);
  if (name && name->starts_with("*.")) return Fault{shown_as(text) + " is a wildcard", "write the zone's own name", {}};
  return name;
}

}  // namespace certherd::config
