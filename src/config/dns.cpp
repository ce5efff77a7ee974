#include "entries.hpp"

#include <certherd/base/text.hpp>

#include <algorithm>

namespace certherd::config {
using os::YamlNode;

namespace {

bool is_resolver(const std::string& text) {
  if (text.starts_with("https://")) return text.size() > 8 && text.find_first_of(" \t") == std::string::npos;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  const auto port = parse_number(text.substr(colon + 1));
  const std::string address = text.substr(0, colon);
  const bool v6 = address.starts_with('[') && address.ends_with(']');
  const bool v4 = std::count(address.begin(), address.end(), '.') == 3 &&
                  address.find_first_not_of("0123456789.") == std::string::npos;
  return port && *port > 0 && *port < 65536 && (v4 || v6);
}

std::optional<std::vector<std::string>> read_resolvers(Section& section, const std::string& key) {
  auto resolvers = section.texts(key);
  if (!resolvers) return resolvers;
  for (std::size_t i = 0; i < resolvers->size(); ++i)
    if (!is_resolver((*resolvers)[i]))
      section.fault(section.get(key)->items[i].mark,
                    "the resolver '" + printable((*resolvers)[i]) + "' is not an address and a port",
                    "write 192.0.2.53:53 or [2001:db8::53]:53, or a URL for DNS over HTTPS");
  return resolvers;
}

}  // namespace

void read_dns(const YamlNode* node, DnsSettings& dns, Faults& faults) {
  if (!node) return;
  Section section(*node, "'dns'", faults);
  if (!section.usable()) return;
  dns.resolvers = read_resolvers(section, "resolvers").value_or(dns.resolvers);
  dns.port = static_cast<int>(section.integer("port", 1, 65535).value_or(dns.port));
  dns.public_resolvers = read_resolvers(section, "public_resolvers").value_or(dns.public_resolvers);
  section.finish();
}

void read_preflight(Section& main, Settings& settings) {
  static const std::vector<std::string> modes{"block", "warn", "off"};
  const auto take = [&settings](std::optional<std::size_t> word) {
    if (word) settings.preflight = static_cast<PreflightMode>(*word);
  };
  const YamlNode* node = main.get("preflight");
  if (!node || !node->is_map()) return take(main.choice("preflight", modes));
  Section section(*node, "'preflight'", main.faults());
  take(section.choice("mode", modes));
  settings.preflight_asks_provider = section.boolean("provider_api").value_or(settings.preflight_asks_provider);
  section.finish();
}

void read_propagation(const YamlNode* node, PropagationSettings& propagation, Faults& faults) {
  if (!node) return;
  Section section(*node, "'propagation'", faults);
  if (!section.usable()) return;
  propagation.end_wait = section.boolean("end_wait").value_or(propagation.end_wait);
  if (const auto margin = section.duration("margin")) propagation.margin = *margin;
  section.finish();
}

std::vector<std::string> read_caa_identities(Section& ca) {
  std::vector<std::string> identities;
  const auto texts = ca.texts("caa_identities").value_or(std::vector<std::string>{});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string name = to_lower(texts[i]);
    const bool plausible =
        !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
    if (plausible)
      identities.push_back(name);
    else
      ca.fault(ca.get("caa_identities")->items[i].mark,
               "'" + printable(texts[i]) + "' of " + ca.what() + " is no issuer domain name",
               "write the name that the CA wants to see in CAA records, like letsencrypt.org");
  }
  return identities;
}

}  // namespace certherd::config
