#include <certherd/base/text.hpp>
#include <certherd/certbot/arguments.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace certherd::certbot {
namespace {

struct Owned {
  std::string_view option;
  std::string_view instead;  ///< what to do instead; empty: certherd decides it
};

constexpr std::string_view use_hooks = "configure it under 'hooks'";
constexpr std::string_view use_key = "use key_type, elliptic_curve, rsa_key_size and reuse_key";
constexpr std::string_view use_ca = "configure it under 'cas'";
constexpr std::string_view use_provider = "use dns_provider and account";

// certbot 2.1.0 to 5.x; every spelling of an option stands for itself.
constexpr std::array owned_options = {
    Owned{"--cert-name", "use 'name'"},
    Owned{"--domains", "use 'domains'"},
    Owned{"--domain", "use 'domains'"},
    Owned{"--ip-address", "dns-01 cannot certify addresses"},
    Owned{"--csr", ""},
    Owned{"--server", use_ca},
    Owned{"--staging", "use the CA letsencrypt-staging"},
    Owned{"--test-cert", "use the CA letsencrypt-staging"},
    Owned{"--dry-run", "use the CA letsencrypt-staging"},
    Owned{"--no-verify-ssl", "use ca_bundle of the CA"},
    Owned{"--account", use_ca},
    Owned{"--email", use_ca},
    Owned{"--agree-tos", "use agree_tos"},
    Owned{"--register-unsafely-without-email", use_ca},
    Owned{"--eab-kid", "use eab of the CA"},
    Owned{"--eab-hmac-key", "use eab of the CA"},
    Owned{"--config", ""},
    Owned{"--config-dir", ""},
    Owned{"--work-dir", ""},
    Owned{"--logs-dir", ""},
    Owned{"--max-log-backups", ""},
    Owned{"--cert-path", ""},
    Owned{"--key-path", ""},
    Owned{"--chain-path", ""},
    Owned{"--fullchain-path", ""},
    Owned{"--key-type", use_key},
    Owned{"--elliptic-curve", use_key},
    Owned{"--rsa-key-size", use_key},
    Owned{"--reuse-key", use_key},
    Owned{"--no-reuse-key", use_key},
    Owned{"--new-key", use_key},
    Owned{"--preferred-chain", "use preferred_chain"},
    Owned{"--preferred-profile", "use profile"},
    Owned{"--required-profile", "use profile"},
    Owned{"--authenticator", use_provider},
    Owned{"--configurator", use_provider},
    Owned{"--installer", use_hooks},
    Owned{"--apache", use_provider},
    Owned{"--nginx", use_provider},
    Owned{"--standalone", use_provider},
    Owned{"--webroot", use_provider},
    Owned{"--manual", use_provider},
    Owned{"--preferred-challenges", ""},
    Owned{"--pre-hook", use_hooks},
    Owned{"--post-hook", use_hooks},
    Owned{"--deploy-hook", use_hooks},
    Owned{"--renew-hook", use_hooks},
    Owned{"--run-deploy-hooks", use_hooks},
    Owned{"--no-directory-hooks", use_hooks},
    Owned{"--force-renewal", "use 'certherd issue --force'"},
    Owned{"--renew-by-default", "use 'certherd issue --force'"},
    Owned{"--keep-until-expiring", ""},
    Owned{"--keep", ""},
    Owned{"--reinstall", ""},
    Owned{"--renew-with-new-domains", ""},
    Owned{"--expand", ""},
    Owned{"--duplicate", ""},
    Owned{"--allow-subset-of-names", "remove the domains that need no certificate"},
    Owned{"--non-interactive", ""},
    Owned{"--noninteractive", ""},
    Owned{"--force-interactive", ""},
    Owned{"--debug-challenges", ""},
    Owned{"--quiet", ""},
    Owned{"--help", ""},
    Owned{"--version", ""},
};

/// Options of certbot that are whole words of their own although a longer, owned one begins with them: argparse prefers
/// the exact match.
constexpr std::array<std::string_view, 1> exact_options{"--debug"};

/// "--dns-route53" chooses a plugin; "--dns-route53-propagation-seconds" only sets one up.
bool chooses_plugin(std::string_view option) {
  return option.starts_with("--dns-") && option.find('-', 6) == std::string_view::npos;
}

/// The owned option that argparse would take `option` for: itself or a longer one it abbreviates.
bool stands_for(std::string_view option, std::string_view owned) {
  return !owned.empty() && owned.starts_with(option);
}

Fault refusal(std::string_view option, std::string_view owned, std::string_view instead) {
  std::string message = "'" + std::string(option) + "'";
  if (option != owned) message += " (" + std::string(owned) + ")";
  return {
      message + " is for certherd to decide", instead.empty() ? "leave it out" : std::string(instead) + " instead", {}};
}

struct FatalSetting {
  std::string_view key;
  std::string_view effect;
};

// Flags of cli.ini that argv cannot take back, and values for which certbot has no neutral one.
constexpr std::array fatal_settings = {
    FatalSetting{"dry-run", "no certificate would be saved"},
    FatalSetting{"staging", "test certificates would be issued"},
    FatalSetting{"test-cert", "test certificates would be issued"},
    FatalSetting{"no-verify-ssl", "the CA's identity would not be checked"},
    FatalSetting{"allow-subset-of-names", "certificates could lack domains"},
    FatalSetting{"new-key", "reuse_key would have no effect"},
    FatalSetting{"force-interactive", "certbot refuses to run without a terminal"},
    FatalSetting{"apache", "certbot refuses a second authenticator"},
    FatalSetting{"nginx", "certbot refuses a second authenticator"},
    FatalSetting{"standalone", "certbot refuses a second authenticator"},
    FatalSetting{"webroot", "certbot refuses a second authenticator"},
    FatalSetting{"manual", "certbot refuses a second authenticator"},
    FatalSetting{"csr", "its domains and key would be used"},
    FatalSetting{"account", "certbot would look for that ACME account"},
};

bool switched_off(std::string_view value) {
  const std::string lower = to_lower(value);
  return lower == "false" || lower == "no" || lower == "0";
}

}  // namespace

std::optional<Fault> refused_argument(const std::string& argument, const Provider& provider) {
  if (argument.empty() || argument[0] != '-') return std::nullopt;
  const std::string_view option = std::string_view(argument).substr(0, argument.find('='));
  if (!option.starts_with("--")) {
    const bool verbose = option.size() > 1 && option.find_first_not_of('v', 1) == std::string_view::npos;
    if (verbose) return std::nullopt;
    return Fault{
        "'" + argument + "' is a short option", "write its long form, if certherd does not decide it anyway", {}};
  }
  if (option == "--") return Fault{"'--' ends certbot's options", "leave it out", {}};
  if (std::find(exact_options.begin(), exact_options.end(), option) != exact_options.end()) return std::nullopt;
  for (const auto& owned : owned_options)
    if (stands_for(option, owned.option)) return refusal(option, owned.option, owned.instead);
  if (stands_for(option, provider.credentials_flag))
    return refusal(option, provider.credentials_flag, "use the account's credentials");
  if (stands_for(option, provider.propagation_flag))
    return refusal(option, provider.propagation_flag, "use propagation_seconds");
  if (chooses_plugin(option)) return refusal(option, option, use_provider);
  return std::nullopt;
}

std::vector<Fault> cli_ini_faults(const std::string& text, const std::string& file) {
  std::vector<Fault> faults;
  int number = 0;
  for (const auto& line : split(text, '\n')) {
    ++number;
    const std::string_view content = trim(line);
    if (content.empty() || content[0] == '#' || content[0] == ';' || content[0] == '[') continue;
    // ConfigArgParse: "key = value", "key: value", "key value", "--key value", or the key alone for a flag.
    const auto key_end = content.find_first_of("=: \t");
    std::string key(content.substr(0, key_end));
    key.erase(0, key.find_first_not_of('-'));
    std::replace(key.begin(), key.end(), '_', '-');
    const auto value_start =
        key_end == std::string_view::npos ? std::string_view::npos : content.find_first_not_of("=: \t", key_end);
    const std::string_view value = value_start == std::string_view::npos ? "" : content.substr(value_start);
    if (switched_off(value)) continue;
    const auto column = static_cast<int>(line.find_first_not_of(" \t")) + 1;
    const auto add = [&](std::string_view effect) {
      faults.push_back({"'" + key + "' is set for every certbot of this host: " + std::string(effect),
                        "remove it from " + file, SourceMark{file, number, column}});
    };
    const auto found =
        std::find_if(fatal_settings.begin(), fatal_settings.end(), [&](const auto& s) { return s.key == key; });
    if (found != fatal_settings.end()) {
      add(found->effect);
    } else if (chooses_plugin("--" + key)) {
      add("certbot refuses a second authenticator");
    }
  }
  return faults;
}

}  // namespace certherd::certbot
