#include "entries.hpp"

#include <certherd/base/text.hpp>
#include <certherd/config/domain.hpp>
#include <certherd/model/zones.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace certherd::config {
using os::YamlNode;

namespace {

template <class Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& [name, unused] : map) names.push_back(name);
  return names;
}

SourceMark mark_of(const YamlNode& node, const std::string& key) {
  const YamlNode* value = node.find(key);
  return value ? value->mark : node.mark;
}

void read_domains(Section& section, const YamlNode& node, Certificate& certificate, Loading& loading) {
  section.require("domains");
  const auto texts = section.texts("domains");
  if (!texts) return;
  const YamlNode& list = *node.find("domains");
  if (texts->empty()) section.fault(list.mark, "'domains' of " + section.what() + " is empty");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    const SourceMark& mark = list.items[i].mark;
    const auto domain = normalise_domain((*texts)[i]);
    if (!domain)
      section.fault(mark, domain.fault().message, domain.fault().fix);
    else if (!seen.insert(*domain).second)
      section.fault(mark, "the domain '" + *domain + "' stands twice in " + section.what(), "remove one of them");
    else
      certificate.domains.push_back(*domain);
  }
  for (const auto& domain : certificate.domains) {
    const auto dot = domain.find('.');
    if (domain.starts_with("*.") || !seen.contains("*" + domain.substr(dot))) continue;
    loading.out.warnings.push_back({"'" + domain + "' of " + section.what() + " is covered by '*" + domain.substr(dot) +
                                        "' already; some CAs (Let's Encrypt) refuse the order for that",
                                    "remove it", list.mark});
  }
  if (certificate.domains.size() > 100)
    loading.out.warnings.push_back({section.what() + " has " + std::to_string(certificate.domains.size()) +
                                        " domains; most CAs allow 100 in one certificate",
                                    "split it", list.mark});
}

/// How well an account fits: the shortest of the zones that its domains fall into, 0 for an account without zones.
std::optional<std::size_t> fit(const Account& account, const std::vector<std::string>& domains) {
  if (account.zones.empty()) return 0;
  std::size_t least = std::string::npos;
  for (const auto& domain : domains) {
    const auto zone = most_specific_zone(account.zones, domain);
    if (!zone) return std::nullopt;
    least = std::min(least, zone->size());
  }
  return least;
}

std::vector<const Account*> best_fits(const Loading& loading, const Certificate& certificate) {
  std::vector<const Account*> best;
  std::size_t best_size = 0;
  for (const auto& [id, account] : loading.out.settings.accounts) {
    if (account.provider != certificate.provider) continue;
    const auto size = fit(account, certificate.domains);
    if (!size || (!best.empty() && *size < best_size)) continue;
    if (*size > best_size) best.clear();
    best_size = *size;
    best.push_back(&account);
  }
  return best;
}

std::string uncovered(const Account& account, const std::vector<std::string>& domains) {
  for (const auto& domain : domains)
    if (!most_specific_zone(account.zones, domain)) return domain;
  return {};
}

bool needs_account(const Provider& provider) {
  if (provider.credentials_kind == CredentialsKind::none || provider.credentials_optional) return false;
  if (provider.credentials_kind != CredentialsKind::environment) return true;
  return !provider.alternatives.empty() ||
         std::any_of(provider.keys.begin(), provider.keys.end(), [](const auto& key) { return key.required; });
}

void check_given_account(Section& section, const SourceMark& mark, const Certificate& certificate, Loading& loading) {
  const auto& accounts = loading.out.settings.accounts;
  const auto found = accounts.find(certificate.account);
  if (found == accounts.end()) {
    loading.out.faults.push_back(unknown_word("an account", certificate.account, names_of(accounts), mark));
    return;
  }
  const Account& account = found->second;
  if (account.provider != certificate.provider && !account.provider.empty()) {
    section.fault(mark, "account '" + account.id + "' is one of provider '" + account.provider + "', and " +
                            section.what() + " uses '" + certificate.provider + "'");
  } else if (!fit(account, certificate.domains)) {
    const auto better = best_fits(loading, certificate);
    section.fault(mark,
                  "no zone of account '" + account.id + "' covers '" + uncovered(account, certificate.domains) + "'",
                  better.empty() ? "add the zone to the account, if its credentials may edit it"
                                 : "account '" + better.front()->id + "' would cover it");
  }
}

void choose_account(Section& section, const YamlNode& node, Certificate& certificate, const Provider& provider,
                    Loading& loading) {
  if (!certificate.account.empty()) {
    check_given_account(section, mark_of(node, "account"), certificate, loading);
    return;
  }
  if (certificate.domains.empty()) return;  // reported already
  const auto best = best_fits(loading, certificate);
  const SourceMark mark = mark_of(node, "domains");
  if (best.size() == 1) {
    certificate.account = best.front()->id;
  } else if (best.size() > 1) {
    section.fault(mark,
                  "accounts '" + best[0]->id + "' and '" + best[1]->id + "' cover the domains of " + section.what() +
                      " equally well",
                  "name one with 'account:'");
  } else if (needs_account(provider)) {
    const auto& accounts = loading.out.settings.accounts;
    const bool any = std::any_of(accounts.begin(), accounts.end(),
                                 [&](const auto& entry) { return entry.second.provider == provider.id; });
    section.fault(
        mark,
        any ? "no account of provider '" + provider.id + "' has zones that cover every domain of " + section.what()
            : "there is no account of provider '" + provider.id + "' for " + section.what(),
        any ? "add the zone to the account that may edit it" : "add one under 'accounts:'");
  }
}

void read_key(Section& section, const YamlNode& node, Certificate& certificate) {
  if (const auto type = section.choice("key_type", {"ecdsa", "rsa"}))
    certificate.key_type = static_cast<KeyType>(*type);
  static const std::vector<std::string> curves{"secp256r1", "secp384r1", "secp521r1"};
  const auto curve = section.choice("elliptic_curve", curves);
  if (curve) certificate.elliptic_curve = curves[*curve];
  const auto size = section.integer("rsa_key_size", 2048, 8192);
  if (size) certificate.rsa_key_size = static_cast<int>(*size);
  if (curve && certificate.key_type == KeyType::rsa)
    section.fault(mark_of(node, "elliptic_curve"), section.what() + " has an RSA key and an elliptic_curve",
                  "remove one");
  if (size && certificate.key_type == KeyType::ecdsa)
    section.fault(mark_of(node, "rsa_key_size"), section.what() + " has an ECDSA key and an rsa_key_size",
                  "remove it, or write key_type: rsa");
  certificate.reuse_key = section.boolean("reuse_key").value_or(false);
}

void check_references(Section& section, const YamlNode& node, Certificate& certificate, Loading& loading) {
  const auto& settings = loading.out.settings;
  const SourceMark ca_mark = node.find("ca") ? node.find("ca")->mark : loading.default_ca_mark;
  const auto ca = settings.cas.find(certificate.ca);
  // A wrong default is reported once, at its own place.
  if (ca == settings.cas.end() && node.find("ca"))
    loading.out.faults.push_back(unknown_word("a CA", certificate.ca, names_of(settings.cas), ca_mark));
  if (ca != settings.cas.end() && !ca->second.eab) {
    const auto known = loading.known_cas.find(certificate.ca);
    if (known != loading.known_cas.end() && known->second.eab_required)
      section.fault(ca_mark.file.empty() ? section.mark() : ca_mark,
                    "CA '" + certificate.ca + "' registers accounts only with external account binding",
                    "add cas: {" + certificate.ca + ": {eab: {kid: ..., hmac_key: {file: ...}}}}");
  }
  for (const auto& hook : certificate.hooks)
    if (!settings.hooks.contains(hook))
      loading.out.faults.push_back(unknown_word("a hook", hook, names_of(settings.hooks), mark_of(node, "hooks")));
}

void check_single_txt(Section& section, const SourceMark& mark, const Certificate& certificate,
                      const Provider& provider) {
  if (!provider.single_txt) return;
  std::set<std::string> names;
  for (const auto& domain : certificate.domains)
    if (!names.insert(challenge_name(domain)).second)
      section.fault(mark,
                    "provider '" + provider.id + "' holds one TXT record for a name, and '" + challenge_name(domain) +
                        "' would need two",
                    "split the apex and its wildcard into two certificates");
}

void read_certificate(const YamlNode& node, Loading& loading, std::unordered_map<std::string, SourceMark>& names) {
  Faults& faults = loading.out.faults;
  const YamlNode* name_node = node.find("name");
  Section section(
      node, name_node && name_node->is_scalar() ? "certificate '" + name_node->text + "'" : "this certificate", faults);
  if (!section.usable()) return;
  Certificate certificate;
  certificate.mark = node.mark;
  read_domains(section, node, certificate, loading);
  certificate.name = section.text("name").value_or("");
  if (certificate.name.empty() && !certificate.domains.empty()) {
    const auto& domains = certificate.domains;
    const auto plain = std::find_if(domains.begin(), domains.end(), [](const auto& d) { return !d.starts_with("*."); });
    certificate.name = plain != domains.end() ? *plain : domains.front().substr(2);
  }
  if (!certificate.name.empty() && !fit_as_name(certificate.name))
    section.fault(mark_of(node, "name"), "'" + printable(certificate.name) + "' cannot be the name of a certificate",
                  "use letters, digits, '.', '-' and '_', beginning with a letter or digit, at most 237");
  if (const auto [first, fresh] = names.try_emplace(certificate.name, mark_of(node, name_node ? "name" : "domains"));
      !fresh && !certificate.name.empty())
    section.fault(
        mark_of(node, name_node ? "name" : "domains"),
        "a second certificate has the name '" + certificate.name + "'; the first is at " + to_string(first->second),
        "give one of them another 'name:'");

  section.require("dns_provider");
  certificate.provider = section.text("dns_provider").value_or("");
  certificate.account = section.text("account").value_or("");
  certificate.ca = section.text("ca").value_or(loading.default_ca);
  certificate.propagation = section.seconds_or_auto("propagation_seconds", 86400, certificate.propagation_auto);
  read_key(section, node, certificate);
  certificate.preferred_chain = section.text("preferred_chain").value_or("");
  certificate.profile = section.text("profile").value_or("");
  certificate.certbot_args = section.texts("certbot_args").value_or(std::vector<std::string>{});
  certificate.hooks = section.texts("hooks").value_or(loading.default_hooks);
  certificate.files = loading.default_files;
  if (const YamlNode* files = section.get("files")) read_files(*files, certificate.files, loading);
  section.finish();

  check_references(section, node, certificate, loading);
  if (const Provider* const provider = loading.providers.find(certificate.provider)) {
    check_wait(section, *provider);
    choose_account(section, node, certificate, *provider, loading);
    check_single_txt(section, mark_of(node, "domains"), certificate, *provider);
  } else if (!certificate.provider.empty()) {
    faults.push_back(unknown_word("a provider of the plugins-map", certificate.provider, loading.providers.ids(),
                                  mark_of(node, "dns_provider")));
  }
  loading.out.settings.certificates.push_back(std::move(certificate));
}

}  // namespace

void read_certificates(const YamlNode& node, Loading& loading) {
  if (node.is_null()) return;
  if (!node.is_sequence()) {
    loading.out.faults.push_back(
        {"'certificates' must be a list", "begin each certificate with '- domains: [...]'", node.mark});
    return;
  }
  loading.out.settings.certificates.reserve(loading.out.settings.certificates.size() + node.items.size());
  std::unordered_map<std::string, SourceMark> names;
  for (const auto& certificate : loading.out.settings.certificates) names.emplace(certificate.name, certificate.mark);
  for (const auto& item : node.items) read_certificate(item, loading, names);
}

}  // namespace certherd::config
