#include <certherd/base/text.hpp>
#include <certherd/preflight/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace certherd::preflight {
namespace {

std::string in_zone(const std::string& zone) {
  return zone.empty() ? "" : " (zone " + zone + ")";
}

/// The four octets of a dotted address.
std::optional<std::array<int, 4>> ipv4(std::string_view address) {
  const auto parts = split(address, '.');
  if (parts.size() != 4) return std::nullopt;
  std::array<int, 4> octets{};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto octet = parse_number(parts[i]);
    if (!octet || *octet > 255) return std::nullopt;
    octets[i] = static_cast<int>(*octet);
  }
  return octets;
}

bool is_private_ipv4(const std::array<int, 4>& octets) {
  const auto [a, b, c, d] = octets;
  return a == 10 || a == 127 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 169 && b == 254) ||
         (a == 100 && b >= 64 && b < 128);
}

}  // namespace

std::string chain_text(const DomainFacts& facts) {
  if (facts.chain.empty()) return facts.challenge_name + in_zone(facts.zone ? facts.zone->name : "");
  std::string text;
  for (const auto& hop : facts.chain) {
    text += hop.name + in_zone(hop.zone) + " -> ";
    if (!hop.dname.empty())
      text += "DNAME at " + hop.dname + ": ";
    else
      text += hop.wildcard ? "wildcard CNAME " : "CNAME ";
  }
  const auto& last = facts.chain.back().target;
  return text + last + in_zone(facts.zone && last == facts.final_name ? facts.zone->name : "");
}

std::string zone_text(const ZoneFacts& zone) {
  std::string text = "zone " + name_text(zone.name);
  const auto first = std::find_if(zone.servers.begin(), zone.servers.end(), [](const ServerFacts& server) {
    return server.state == ServerFacts::State::answers && server.serial;
  });
  if (first != zone.servers.end()) text += ", SOA " + std::to_string(*first->serial) + " of " + first->primary;
  return text + ", served by " + (zone.ns.empty() ? "no server" : list_text(zone.ns));
}

std::string server_text(const ServerFacts& server) {
  return server.address.empty() ? server.name : server.name + " (" + server.address + ")";
}

std::string name_text(std::string_view name) {
  return name.empty() ? "the root" : std::string(name);
}

std::string list_text(std::span<const std::string> parts, std::size_t shown) {
  if (parts.size() <= shown) return join(parts, ", ");
  return join(parts.first(shown), ", ") + " and " + std::to_string(parts.size() - shown) + " more";
}

bool is_private_address(std::string_view address) {
  if (const auto octets = ipv4(address)) return is_private_ipv4(*octets);
  constexpr std::string_view mapped = "::ffff:";
  if (to_lower(address).starts_with(mapped))
    if (const auto octets = ipv4(address.substr(mapped.size()))) return is_private_ipv4(*octets);
  if (address == "::1") return true;
  unsigned first = 0;
  const auto [end, error] = std::from_chars(address.data(), address.data() + address.size(), first, 16);
  if (error != std::errc{} || end == address.data() + address.size() || *end != ':') return false;
  return (first & 0xfe00U) == 0xfc00U || (first & 0xffc0U) == 0xfe80U;
}

}  // namespace certherd::preflight
