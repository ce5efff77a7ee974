// What several imported certificates share: CAs, accounts, hooks.

#include <certherd/base/text.hpp>
#include <certherd/ca/known_cas.hpp>
#include <certherd/config/domain.hpp>
#include <certherd/model/zones.hpp>
#include <certherd/providers/credentials.hpp>

#include <algorithm>
#include <utility>

#include "import_translate.hpp"

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view first_letsencrypt = "https://acme-v01.api.letsencrypt.org/directory";

/// "acme.example.com" of "https://acme.example.com:8443/directory", fit to be a name.
std::string host_as_name(const std::string& url) {
  const auto start = url.find("://") + 3;
  std::string host = url.substr(start, url.find_first_of(":/?#", start) - start);
  for (char& c : host)
    if (!config::fit_as_name("a" + std::string(1, c))) c = '-';
  return config::fit_as_name(host) ? host : "ca";
}

template <class Taken>
std::string free_id(const std::string& wanted, const Taken& taken) {
  std::string id = wanted;
  for (int number = 2; taken(id); ++number) id = wanted + "-" + std::to_string(number);
  return id;
}

bool covers(const Account& account, const std::vector<std::string>& domains) {
  return account.zones.empty() || std::all_of(domains.begin(), domains.end(), [&](const auto& domain) {
           return most_specific_zone(account.zones, domain).has_value();
         });
}

}  // namespace

void ImportTranslation::take_ca(const LineageConf& conf, ImportedCertificate& one) {
  std::string server = conf.option("server");
  const std::string letsencrypt = ca::known_cas().at("letsencrypt").server;
  if (server == first_letsencrypt || server.empty()) server = letsencrypt;
  for (const auto* cas : {&settings_.cas, &std::as_const(import_.cas)}) {
    const auto found =
        std::find_if(cas->begin(), cas->end(), [&](const auto& ca) { return ca.second.server == server; });
    if (found == cas->end()) continue;
    one.wanted.ca = found->first;
    const auto known = ca::known_cas().find(found->first);
    if (known != ca::known_cas().end() && known->second.eab_required && !found->second.eab)
      throw LeftOut{"its CA '" + found->first + "' registers accounts only with external account binding; add cas: {" +
                    found->first + ": {eab: {kid: ..., hmac_key: {file: ...}}}} to the configuration"};
    return;
  }
  if (!server.starts_with("https://")) throw LeftOut{"its CA, " + printable(server) + ", is not at an https URL"};
  Ca ca;
  ca.id = free_id(host_as_name(server),
                  [&](const auto& id) { return settings_.cas.contains(id) || import_.cas.contains(id); });
  ca.server = server;
  one.wanted.ca = ca.id;
  import_.cas.emplace(ca.id, std::move(ca));
}

void ImportTranslation::take_account(const LineageConf& conf, const Provider& provider, ImportedCertificate& one) {
  if (provider.credentials_kind == CredentialsKind::none) return;
  const auto& accounts = settings_.accounts;
  const auto fitting = [&](const auto& account) {
    return account.second.provider == provider.id && covers(account.second, one.wanted.domains);
  };
  const std::string path = conf.option(option_of_flag(provider.credentials_flag));
  const auto same = std::find_if(accounts.begin(), accounts.end(), [&](const auto& account) {
    return fitting(account) && account.second.credentials_file == fs::path(path);
  });
  const auto present = same != accounts.end() ? same : std::find_if(accounts.begin(), accounts.end(), fitting);
  if (present != accounts.end()) {
    one.wanted.account = present->first;
    if (same == accounts.end() && !path.empty())
      remark(one, "account '" + present->first + "' of the configuration covers it and takes the place of " + path);
    return;
  }
  if (!path.empty()) {
    one.wanted.account = account_for(provider, path, one);
    return;
  }
  if (!provider.credentials_optional)
    throw LeftOut{"its renewal file names no credentials file for provider '" + provider.id +
                  "'; add an account to the configuration and import again"};
  remark(one, "certbot took the credentials for '" + provider.id +
                  "' from its environment or the files of its user; certherd's certbot sees neither, so unless the "
                  "machine itself has a role, add an account");
}

std::string ImportTranslation::account_for(const Provider& provider, const fs::path& file,
                                           const ImportedCertificate& one) {
  for (const auto& [id, account] : import_.accounts)
    if (account.provider == provider.id && account.credentials_file == file) return id;
  Account account;
  account.provider = provider.id;
  account.credentials_file = file;
  const auto checked = providers::check_credentials(account, provider);
  if (!checked.faults.empty()) throw LeftOut{checked.faults.front().text()};
  for (const auto& warning : checked.warnings) remark(one, warning.text());
  account.id = free_id(
      provider.id, [&](const auto& id) { return settings_.accounts.contains(id) || import_.accounts.contains(id); });
  return import_.accounts.emplace(account.id, account).first->first;
}

void ImportTranslation::finish_accounts() {
  for (auto& [id, account] : import_.accounts) {
    std::vector<std::string> names;
    for (const auto& one : import_.certificates) {
      if (one.configured || one.wanted.account != id) continue;
      for (const auto& domain : one.wanted.domains) names.push_back(domain.substr(domain.starts_with("*.") ? 2 : 0));
    }
    // The shortest first: what lies below one of them needs no zone of its own.
    std::sort(names.begin(), names.end(),
              [](const auto& a, const auto& b) { return std::pair(a.size(), a) < std::pair(b.size(), b); });
    for (const auto& name : names)
      if (!most_specific_zone(account.zones, name)) account.zones.push_back(name);
    std::sort(account.zones.begin(), account.zones.end());
  }
}

std::string ImportTranslation::hook_for(const std::vector<std::string>& command, const std::string& wanted_id) {
  for (const auto* hooks : {&settings_.hooks, &std::as_const(import_.hooks)})
    for (const auto& [id, hook] : *hooks)
      if (hook.command == command && hook.on == std::vector{HookEvent::deployed}) return id;
  Hook hook;
  hook.id =
      free_id(wanted_id, [&](const auto& id) { return settings_.hooks.contains(id) || import_.hooks.contains(id); });
  hook.command = command;
  return import_.hooks.emplace(hook.id, hook).first->first;
}

const std::vector<std::string>& ImportTranslation::command_of(const std::string& hook) const {
  const auto found = import_.hooks.find(hook);
  return found != import_.hooks.end() ? found->second.command : settings_.hooks.at(hook).command;
}

void ImportTranslation::add_directory_hooks(const std::vector<fs::path>& programs) {
  for (const auto& program : programs) {
    std::string id = program.stem().string();
    if (!config::fit_as_name(id)) id = "certbot-deploy";
    hooks_of_all_.push_back(hook_for({program.string()}, id));
  }
}

/// certbot runs directory hooks first, and a renew_hook that is one of them only once.
void ImportTranslation::take_hooks(const LineageConf& conf, ImportedCertificate& one) {
  one.wanted.hooks = hooks_of_all_;
  for (const char* key : {"renew_hook", "deploy_hook"}) {
    const std::string command = conf.option(key);
    const auto runs_it = [&](const auto& id) { return command_of(id) == std::vector{command}; };
    if (command.empty() || std::any_of(hooks_of_all_.begin(), hooks_of_all_.end(), runs_it)) continue;
    const auto id = hook_for({"/bin/sh", "-c", command}, "deploy-" + one.wanted.name.substr(0, 200));
    one.wanted.hooks.push_back(id);
  }
  for (const char* key : {"pre_hook", "post_hook"})
    if (const std::string command = conf.option(key); !command.empty())
      remark(one, std::string(key) + " is not carried over, certherd has hooks for what was deployed or failed only: " +
                      printable(command));
}

}  // namespace certherd::service
