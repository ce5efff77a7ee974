#include "entries.hpp"

#include <certherd/base/text.hpp>
#include <certherd/config/domain.hpp>

#include <algorithm>

namespace certherd::config {
using os::YamlNode;

namespace {

bool fits(const std::string& name, const std::string& kind, const SourceMark& mark, Faults& faults) {
  if (fit_as_name(name)) return true;
  faults.push_back({"'" + printable(name) + "' cannot be the name of " + kind,
                    "use letters, digits, '.', '-' and '_', beginning with a letter or digit", mark});
  return false;
}

/// The entries of a map of named maps, with the checks that all kinds share.
template <class Read>
void each_entry(const YamlNode& node, const std::string& key, const std::string& kind, Faults& faults, Read read) {
  if (node.is_null()) return;
  if (!node.is_map()) {
    faults.push_back({"'" + key + "' must be a map from names to their settings", "", node.mark});
    return;
  }
  for (const auto& entry : node.entries)
    if (fits(entry.key, kind, entry.mark, faults)) read(entry);
}

std::optional<ExternalAccount> read_eab(const YamlNode* node, const std::string& what, Faults& faults) {
  if (!node) return std::nullopt;
  Section section(*node, "'eab' of " + what, faults);
  if (!section.usable()) return std::nullopt;
  section.require("kid");
  section.require("hmac_key");
  const auto kid = section.text("kid");
  const auto key = section.source("hmac_key");
  section.finish();
  if (!kid || !key) return std::nullopt;
  return ExternalAccount{*kid, *key};
}

void read_ca(const YamlNode::Entry& entry, Loading& loading) {
  Faults& faults = loading.out.faults;
  auto& cas = loading.out.settings.cas;
  if (!first_of_name(cas, entry.key, "CA", entry.mark, faults)) return;
  Section section(entry.value, "CA '" + entry.key + "'", faults);
  if (!section.usable()) return;
  const auto known = loading.known_cas.find(entry.key);
  Ca ca;
  ca.id = entry.key;
  ca.mark = entry.mark;
  if (known == loading.known_cas.end())
    section.require("server");
  else
    ca.server = known->second.server;
  if (const auto server = section.text("server")) ca.server = *server;
  if (!ca.server.empty() && !ca.server.starts_with("https://"))
    section.fault(entry.value.find("server")->mark, "the server of " + section.what() + " must be an https URL",
                  "ACME is spoken over HTTPS only (RFC 8555 §6.1)");
  ca.ca_bundle = section.path("ca_bundle");
  ca.eab = read_eab(section.get("eab"), section.what(), faults);
  ca.email = section.text("email").value_or("");
  ca.max_parallel = read_max_parallel(section);
  ca.caa_identities = read_caa_identities(section);
  if (known != loading.known_cas.end()) ca.rate_limits = known->second.rate_limits;
  if (const YamlNode* limits = section.get("rate_limits")) ca.rate_limits = read_rate_limits(*limits, section);
  section.finish();
  cas[entry.key] = std::move(ca);
}

std::vector<std::string> read_zones(Section& section) {
  std::vector<std::string> zones;
  const auto texts = section.texts("zones").value_or(std::vector<std::string>{});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto zone = normalise_zone(texts[i]);
    if (zone)
      zones.push_back(*zone);
    else
      section.fault(section.get("zones")->items[i].mark, "zone of " + section.what() + ": " + zone.fault().message,
                    zone.fault().fix);
  }
  return zones;
}

void read_credentials(Section& section, Account& account, const Provider& provider) {
  account.credentials_file = section.path("credentials_file");
  const YamlNode* node = section.get("credentials");
  if (node && account.credentials_file) {
    section.fault(node->mark, section.what() + " has both credentials and credentials_file", "keep one of them");
  } else if (node && !node->is_map()) {
    section.fault(node->mark, "'credentials' of " + section.what() + " must be a map from the plugin's keys to values");
  } else if (node) {
    for (const auto& entry : node->entries) {
      auto source = read_source(entry.value, "'" + entry.key + "' of " + section.what(), section.faults());
      if (source) account.credentials[entry.key] = std::move(*source);
    }
  }
  if (account.credentials_file && provider.credentials_kind == CredentialsKind::environment)
    section.fault(section.mark(),
                  "provider '" + provider.id + "' reads its credentials from the environment, not from a file",
                  "write them under 'credentials', each as {file: PATH} if you like");
}

void read_account(const YamlNode::Entry& entry, Loading& loading) {
  Faults& faults = loading.out.faults;
  auto& accounts = loading.out.settings.accounts;
  if (!first_of_name(accounts, entry.key, "account", entry.mark, faults)) return;
  Section section(entry.value, "account '" + entry.key + "'", faults);
  if (!section.usable()) return;
  section.require("provider");
  Account account;
  account.id = entry.key;
  account.mark = entry.mark;
  account.provider = section.text("provider").value_or("");
  account.zones = read_zones(section);
  account.propagation = section.seconds_or_auto("propagation_seconds", 86400, account.propagation_auto);
  account.max_parallel = read_max_parallel(section);
  const Provider* const provider = loading.providers.find(account.provider);
  if (!provider && !account.provider.empty())
    faults.push_back(unknown_word("a provider of the plugins-map", account.provider, loading.providers.ids(),
                                  section.get("provider")->mark));
  if (provider) check_wait(section, *provider);
  static const Provider unknown;
  read_credentials(section, account, provider ? *provider : unknown);
  section.finish();
  accounts[entry.key] = std::move(account);
}

void read_events(Section& section, Hook& hook) {
  static const std::vector<std::string> events{"deployed", "failed", "expiring", "recovered"};
  const YamlNode* on = section.get("on");
  if (!on) return;
  hook.on.clear();
  for (const auto& word : section.texts("on").value_or(std::vector<std::string>{})) {
    const auto found = std::find(events.begin(), events.end(), word);
    if (found == events.end())
      section.faults().push_back(unknown_word("an event", word, events, on->mark));
    else
      hook.on.push_back(static_cast<HookEvent>(found - events.begin()));
  }
}

void read_hook(const YamlNode::Entry& entry, Loading& loading) {
  Faults& faults = loading.out.faults;
  auto& hooks = loading.out.settings.hooks;
  if (!first_of_name(hooks, entry.key, "hook", entry.mark, faults)) return;
  Section section(entry.value, "hook '" + entry.key + "'", faults);
  if (!section.usable()) return;
  Hook hook;
  hook.id = entry.key;
  hook.mark = entry.mark;
  hook.command = section.texts("command").value_or(std::vector<std::string>{});
  hook.webhook = section.source("webhook");
  hook.ca_bundle = section.path("ca_bundle");
  hook.timeout = section.duration("timeout").value_or(hook.timeout);
  hook.batch = section.duration("batch");
  const bool has_command = entry.value.find("command") != nullptr;
  if (has_command == (entry.value.find("webhook") != nullptr))
    section.fault(entry.mark, section.what() + " needs either a command or a webhook");
  if (has_command && hook.command.empty() && entry.value.find("command")->is_sequence())
    section.fault(entry.mark, "the command of " + section.what() + " is empty");
  if (!hook.command.empty() && !hook.command[0].starts_with('/'))
    section.fault(
        entry.value.find("command")->mark, "the command of " + section.what() + " must begin with an absolute path",
        "a service has no PATH that could be relied on; 'command -v " + printable(hook.command[0]) + "' prints it");
  if (hook.webhook && hook.webhook->kind == ValueSource::Kind::literal && !hook.webhook->text.starts_with("https://") &&
      !hook.webhook->text.starts_with("http://"))
    section.fault(hook.webhook->mark, "the webhook of " + section.what() + " must be an http or https URL");
  read_events(section, hook);
  section.finish();
  hooks[entry.key] = std::move(hook);
}

}  // namespace

void check_wait(Section& section, const Provider& provider) {
  const YamlNode* node = section.get("propagation_seconds");
  if (node && provider.propagation_flag.empty())
    section.fault(node->mark, "the plugin of provider '" + provider.id + "' cannot be told how long to wait",
                  "leave out 'propagation_seconds': it would have no effect");
}

bool fit_as_name(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  const auto first_good = [&](char c) { return good(c) && c != '.' && c != '-' && c != '_'; };
  return !name.empty() && name.size() <= 237 && first_good(name.front()) && std::all_of(name.begin(), name.end(), good);
}

void read_cas(const YamlNode& node, Loading& loading) {
  each_entry(node, "cas", "a CA", loading.out.faults, [&](const auto& entry) { read_ca(entry, loading); });
}

void read_accounts(const YamlNode& node, Loading& loading) {
  each_entry(node, "accounts", "an account", loading.out.faults,
             [&](const auto& entry) { read_account(entry, loading); });
}

void read_hooks(const YamlNode& node, Loading& loading) {
  each_entry(node, "hooks", "a hook", loading.out.faults, [&](const auto& entry) { read_hook(entry, loading); });
}

void read_files(const YamlNode& node, FileAccess& files, Loading& loading) {
  Section section(node, "'files'", loading.out.faults);
  if (!section.usable()) return;
  files.owner = section.text("owner").value_or(files.owner);
  files.group = section.text("group").value_or(files.group);
  files.key_mode = section.mode("key_mode").value_or(files.key_mode);
  files.cert_mode = section.mode("cert_mode").value_or(files.cert_mode);
  if (files.key_mode & 0007)
    section.fault(node.find("key_mode") ? node.find("key_mode")->mark : node.mark,
                  "'key_mode' of 'files' would let everybody read private keys", "use 0600 or 0640 with a group");
  section.finish();
}

}  // namespace certherd::config
