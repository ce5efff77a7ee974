#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace certherd {

/// A certbot version; what follows the third number ("5.7.0.dev0") is not compared.
struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

std::optional<Version> parse_version(std::string_view text);  ///< "2.1", "2.1.0", "5.7.0.dev0"
std::string to_string(const Version& version);                ///< "2.1.0"

}  // namespace certherd
