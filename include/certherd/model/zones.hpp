#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace certherd {

/// Whether `domain` (maybe "*.x") lies in `zone`: equal to it or below it. Both lower case without trailing dot.
bool zone_covers(std::string_view zone, std::string_view domain);

/// The longest of the zones that covers the domain.
std::optional<std::string> most_specific_zone(std::span<const std::string> zones, std::string_view domain);

/// The name at which the DNS-01 challenge of a domain is answered: "_acme-challenge." + the domain without "*."
/// (RFC 8555 §8.4).
std::string challenge_name(std::string_view domain);

}  // namespace certherd
