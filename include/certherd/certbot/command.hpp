#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/model/version.hpp>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certherd::certbot {

/// Name and value of environment variables.
using Environment = std::vector<std::pair<std::string, std::string>>;

/// What Python reads at its start, the same for every call: times in UTC, messages in English, output at once.
Environment interpreter_environment();

/// Bundles of trust anchors, and for each a directory with the same (store::anchor_directory).
using TrustDirectories = std::vector<std::pair<std::filesystem::path, std::filesystem::path>>;

/// Whom certbot, its plugins and the libraries below them trust.
struct Trust {
  /// For everything that Python's requests talks to, the provider's API included. For a private CA this is therefore a
  /// file with its anchors and the public ones. Empty: the system's.
  std::filesystem::path bundle;
  /// Where the launcher or the warm host is there to see to it, who loads one of these bundles gets its directory.
  TrustDirectories directories;
};

/// One call of certbot, ready to be run.
struct CertbotCommand {
  std::filesystem::path executable;
  std::filesystem::path interpreter;   ///< the executable's Python; empty: it is no Python script
  std::vector<std::string> arguments;  ///< without the program's own name
  Environment environment;             ///< all of it: nothing is inherited
  std::filesystem::path logs_dir;      ///< where letsencrypt.log appears
  std::filesystem::path work_dir;      ///< TMPDIR of the child, so that certbot's temporary logs stay in our tree
  std::string shown;                   ///< quoted for a shell, for logs and the journal; holds no secret
  std::filesystem::path end_wait;      ///< a WaitEnder's FIFO; empty: the wait for propagation takes its time
  TrustDirectories directories;        ///< as Trust has them
};

/// What every call of certbot needs.
struct CertbotHost {
  std::filesystem::path executable;
  std::filesystem::path interpreter;  ///< as InstalledCertbot has it
  Version version;
  /// certbot's own directories: config/, work/ and logs/ below it.
  std::filesystem::path directory;
  /// Passed on as it is: PATH, proxies (http_proxy, https_proxy, no_proxy). A name that certherd sets itself keeps
  /// certherd's value.
  Environment environment;
  Trust trust;
};

struct IssueInput {
  CertbotHost host;
  const Certificate& certificate;
  const Provider& provider;
  const Ca& ca;
  std::vector<std::string> credential_arguments;  ///< names files, never secrets: argv is public
  Environment credential_environment;             ///< secrets of plugins that take them so (route53)
  Seconds propagation{0};
  bool force_renewal = false;   ///< certbot would keep a certificate that is not due by its own rules
  bool lineage_exists = false;  ///< certbot already has a certificate of this name
  bool key_changes = false;     ///< the lineage's key is of another type or size than the certificate wants
};

/// `certbot certonly` for one certificate. Never with --agree-tos: a certonly of certbot 4.0 that finds no account and
/// may agree to the terms registers one silently, and there must be one account for each CA. Faults: the certificate
/// wants what this certbot version cannot do, or `certbot_args` holds an option that is certherd's to decide.
Result<CertbotCommand> issue_command(const IssueInput& input);

struct RegisterInput {
  CertbotHost host;
  const Ca& ca;
  /// What external_account_config() returned, in a file of mode 0600. Required when the CA has an ExternalAccount.
  std::optional<std::filesystem::path> external_account_file;
};

/// `certbot register`: the ACME account, once for each CA. Fault: the CA wants external account binding and the file is
/// missing.
Result<CertbotCommand> register_command(const RegisterInput& input);

/// A configuration file for `certbot --config` that carries the external account binding, so that the HMAC key is not
/// in argv (checked with certbot 2.1.0, 4.0.0 and 5.5.0). Fault: a value that cannot stand on one line of such a file.
Result<std::string> external_account_config(const std::string& kid, const std::string& hmac_key);

struct RevokeInput {
  CertbotHost host;
  const Ca& ca;
  std::filesystem::path certificate;  ///< PEM; its first certificate is the one
  std::string reason;                 ///< one of revocation_reasons()
  /// The certificate's own private key, with which anybody may revoke who holds it. Empty: the CA's shared ACME account
  /// signs, which the CA accepts for what that account has ordered (RFC 8555 §7.6).
  std::filesystem::path key;
};

/// What certbot 2.1 to 5.x accept for --reason, the usual one first: words for the codes 0, 1, 3, 4 and 5 of RFC 5280
/// §5.3.1.
std::span<const std::string_view> revocation_reasons();

/// `certbot revoke`. Only asks the CA: certbot keeps its lineage, and whoever published the certificate keeps that.
/// Fault: a reason that certbot does not know.
Result<CertbotCommand> revoke_command(const RevokeInput& input);

/// Arguments as a shell would need them typed.
std::string shell_quoted(const std::vector<std::string>& words);

}  // namespace certherd::certbot
