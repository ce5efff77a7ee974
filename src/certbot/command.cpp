#include <certherd/base/text.hpp>
#include <certherd/certbot/arguments.hpp>
#include <certherd/certbot/command.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace certherd::certbot {
namespace {

constexpr Version first_with_new_key{1, 25, 0};  // certbot changelog 1.25.0
constexpr Version first_with_profiles{4, 0, 0};  // certbot changelog 4.0.0
constexpr Version oldest{2, 0, 0};               // ECDSA by default, plugin options without the distribution's prefix

using Words = std::vector<std::string>;

void add(Words& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

void add_directories(Words& words, const CertbotHost& host) {
  add(words, {"--config-dir", (host.directory / "config").string(), "--work-dir", (host.directory / "work").string(),
              "--logs-dir", (host.directory / "logs").string(), "--max-log-backups", "0", "--no-directory-hooks"});
}

/// Overrides what the host's cli.ini may say and what takes a value: its hooks would run besides ours, its installer
/// would edit a web server, its preferred challenges would exclude dns-01. An empty value counts as none in certbot.
void add_neutral_values(Words& words) {
  add(words, {"--installer", "", "--configurator", "", "--preferred-challenges", "dns-01", "--pre-hook", "",
              "--post-hook", "", "--deploy-hook", "", "--renew-hook", ""});
}

void add_key(Words& words, const Certificate& certificate) {
  if (certificate.key_type == KeyType::ecdsa) {
    add(words, {"--key-type", "ecdsa", "--elliptic-curve", certificate.elliptic_curve});
  } else {
    add(words, {"--key-type", "rsa", "--rsa-key-size", std::to_string(certificate.rsa_key_size)});
  }
}

/// What this certbot version cannot do for this certificate.
std::optional<Fault> unsupported(const IssueInput& input) {
  const Version& version = input.host.version;
  const auto& provider = input.provider;
  const std::string have = "certbot " + to_string(version);
  if (version < oldest) return Fault{have + " is too old for certherd", "install certbot 2.0 or newer", {}};
  if (provider.certbot_min && version < *provider.certbot_min)
    return Fault{"the plugin for " + provider.id + " needs certbot " + to_string(*provider.certbot_min) +
                     " or newer; " + input.host.executable.string() + " is " + have,
                 "update certbot", input.certificate.mark};
  if (provider.certbot_below && version >= *provider.certbot_below)
    return Fault{"the plugin for " + provider.id + " does not work with certbot " + to_string(*provider.certbot_below) +
                     " and newer; " + input.host.executable.string() + " is " + have,
                 "use an older certbot for this provider, in a virtual environment of its own", input.certificate.mark};
  if (!input.certificate.profile.empty() && version < first_with_profiles)
    return Fault{"certificate " + input.certificate.name + " wants the ACME profile '" + input.certificate.profile +
                     "', and " + have + " knows none",
                 "install certbot 4.0 or newer, or leave out 'profile'", input.certificate.mark};
  if (input.lineage_exists && input.certificate.reuse_key && input.key_changes && version < first_with_new_key)
    return Fault{have + " cannot replace the key of " + input.certificate.name + " once and reuse it from then on",
                 "set reuse_key to false for one renewal", input.certificate.mark};
  return std::nullopt;
}

CertbotCommand finished(const CertbotHost& host, Words words, const Environment& more) {
  CertbotCommand command;
  command.executable = host.executable;
  command.interpreter = host.interpreter;
  command.logs_dir = host.directory / "logs";
  command.work_dir = host.directory / "work";
  command.directories = host.trust.directories;
  const std::string home = command.work_dir.string();
  Environment& own = command.environment;
  // HOME and XDG_CONFIG_HOME: certbot reads ~/.config/letsencrypt/cli.ini, provider SDKs read files of their own.
  own = interpreter_environment();
  own.insert(own.end(), {{"HOME", home}, {"XDG_CONFIG_HOME", home + "/.config"}, {"TMPDIR", home}});
  if (!host.trust.bundle.empty()) {
    // requests and botocore read the first (a name of their own first), OpenSSL's default context and httpx the second.
    own.emplace_back("REQUESTS_CA_BUNDLE", host.trust.bundle.string());
    own.emplace_back("SSL_CERT_FILE", host.trust.bundle.string());
  }
  const auto add_missing = [&own](const Environment& others) {
    for (const auto& variable : others) {
      const bool taken =
          std::any_of(own.begin(), own.end(), [&](const auto& mine) { return mine.first == variable.first; });
      if (!taken) own.push_back(variable);
    }
  };
  add_missing(more);
  add_missing(host.environment);
  Words shown{host.executable.string()};
  shown.insert(shown.end(), words.begin(), words.end());
  command.shown = shell_quoted(shown);
  command.arguments = std::move(words);
  return command;
}

}  // namespace

Environment interpreter_environment() {
  return {{"TZ", "UTC"}, {"LC_ALL", "C.UTF-8"}, {"PYTHONUNBUFFERED", "1"}};
}

Result<CertbotCommand> issue_command(const IssueInput& input) {
  const auto& host = input.host;
  const auto& certificate = input.certificate;
  const auto& provider = input.provider;
  if (auto fault = unsupported(input)) return *fault;
  for (const auto& argument : certificate.certbot_args) {
    if (auto fault = refused_argument(argument, provider)) {
      fault->message = "certificate " + certificate.name + ", certbot_args: " + fault->message;
      fault->mark = certificate.mark;
      return *fault;
    }
  }
  Words words{"certonly", "--non-interactive", "-v", "--cert-name", certificate.name};
  for (const auto& domain : certificate.domains) add(words, {"-d", domain});
  add_directories(words, host);
  add(words, {"--server", input.ca.server, "--authenticator", provider.authenticator});
  words.insert(words.end(), input.credential_arguments.begin(), input.credential_arguments.end());
  const bool has_flag = !provider.propagation_flag.empty() &&
                        (!provider.propagation_flag_until || host.version < *provider.propagation_flag_until);
  if (has_flag) add(words, {provider.propagation_flag, std::to_string(input.propagation.count())});
  words.insert(words.end(), provider.extra_arguments.begin(), provider.extra_arguments.end());
  add_key(words, certificate);
  words.push_back(certificate.reuse_key ? "--reuse-key" : "--no-reuse-key");
  if (input.lineage_exists && certificate.reuse_key && input.key_changes) words.push_back("--new-key");
  add(words, {"--preferred-chain", certificate.preferred_chain});
  if (!certificate.profile.empty()) add(words, {"--required-profile", certificate.profile});
  if (input.lineage_exists) words.push_back("--renew-with-new-domains");
  if (input.force_renewal || (input.lineage_exists && input.key_changes)) words.push_back("--force-renewal");
  add_neutral_values(words);
  words.insert(words.end(), certificate.certbot_args.begin(), certificate.certbot_args.end());
  return finished(host, std::move(words), input.credential_environment);
}

Result<CertbotCommand> register_command(const RegisterInput& input) {
  const auto& ca = input.ca;
  if (ca.eab && !input.external_account_file)
    return Fault{"CA " + ca.id + " wants external account binding and its key could not be given", "", ca.mark};
  Words words{"register", "--non-interactive", "-v", "--agree-tos", "--no-eff-email"};
  if (ca.email.empty()) {
    words.push_back("--register-unsafely-without-email");
  } else {
    add(words, {"--email", ca.email});
  }
  add_directories(words, input.host);
  add(words, {"--server", ca.server});
  if (ca.eab) add(words, {"--config", input.external_account_file->string()});
  return finished(input.host, std::move(words), {});
}

std::span<const std::string_view> revocation_reasons() {
  static constexpr std::array<std::string_view, 5> reasons{"unspecified", "keycompromise", "affiliationchanged",
                                                           "superseded", "cessationofoperation"};
  return reasons;
}

Result<CertbotCommand> revoke_command(const RevokeInput& input) {
  const auto reasons = revocation_reasons();
  if (std::find(reasons.begin(), reasons.end(), input.reason) == reasons.end()) {
    const std::vector<std::string> known(reasons.begin(), reasons.end());
    return Fault{
        "'" + printable(input.reason) + "' is no reason for a revocation", "use one of " + join(known, ", "), {}};
  }
  Words words{"revoke",     "--non-interactive",       "-v", "--cert-path", input.certificate.string(), "--reason",
              input.reason, "--no-delete-after-revoke"};
  if (!input.key.empty()) add(words, {"--key-path", input.key.string()});
  add_directories(words, input.host);
  add(words, {"--server", input.ca.server});
  return finished(input.host, std::move(words), {});
}

Result<std::string> external_account_config(const std::string& kid, const std::string& hmac_key) {
  const auto unusable = [](std::string_view value) {
    // ConfigArgParse takes "[a,b]" as a list and '#' or ';' as a comment, trims, and strips quotes.
    return value.empty() || trim(value) != value || value.find_first_of("\r\n#;\"'[]{}") != std::string_view::npos;
  };
  if (unusable(kid))
    return Fault{"the kid of the external account binding is empty or holds characters that no CA uses",
                 "copy it again from the CA",
                 {}};
  if (unusable(hmac_key))
    return Fault{
        "the hmac_key of the external account binding is empty or not base64url", "copy it again from the CA", {}};
  return "eab-kid = " + kid + "\neab-hmac-key = " + hmac_key + "\n";
}

std::string shell_quoted(const Words& words) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,@%+";
  Words quoted;
  for (const auto& word : words) {
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      quoted.push_back(word);
      continue;
    }
    std::string text = "'";
    for (const char c : word) {
      if (c == '\'') {
        text += "'\\''";
      } else {
        text += c;
      }
    }
    quoted.push_back(text + "'");
  }
  return join(quoted, " ");
}

}  // namespace certherd::certbot
