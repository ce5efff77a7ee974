#include <certherd/model/zones.hpp>

namespace certherd {

bool zone_covers(std::string_view zone, std::string_view domain) {
  if (domain.starts_with("*.")) domain.remove_prefix(2);
  if (!domain.ends_with(zone) || zone.empty()) return false;
  return domain.size() == zone.size() || domain[domain.size() - zone.size() - 1] == '.';
}

std::optional<std::string> most_specific_zone(std::span<const std::string> zones, std::string_view domain) {
  const std::string* best = nullptr;
  for (const auto& zone : zones)
    if (zone_covers(zone, domain) && (!best || zone.size() > best->size())) best = &zone;
  return best ? std::optional(*best) : std::nullopt;
}

std::string challenge_name(std::string_view domain) {
  if (domain.starts_with("*.")) domain.remove_prefix(2);
  return "_acme-challenge." + std::string(domain);
}

}  // namespace certherd
