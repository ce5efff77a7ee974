#pragma once

#include <certherd/base/mark.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/provider.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd {

/// Where a value comes from. Read late, when it is needed, so that a rotated secret is picked up.
struct ValueSource {
  enum class Kind { literal, file, env, systemd_credential };
  Kind kind = Kind::literal;
  std::string text;  ///< the value, the path, the variable's name or the credential's name
  SourceMark mark;
};

/// External account binding (RFC 8555 §7.3.4).
struct ExternalAccount {
  std::string kid;
  ValueSource hmac_key;  ///< base64url, as the CA gave it
};

/// One of a CA's rate limits, mirrored as a token bucket: full at `amount`, refilled at amount/per.
struct RateLimit {
  enum class Kind {
    new_orders,         ///< orders of one ACME account
    registered_domain,  ///< certificates for one registered domain ("example.co.uk")
    exact_set,          ///< certificates for exactly the same set of names
    failed_validations  ///< failed authorizations of one name within one ACME account
  };
  Kind kind{};
  int amount = 0;
  Seconds per{0};
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

/// "new_orders", "registered_domain", "exact_set", "failed_validations": as in the configuration and the database.
std::string_view to_string(RateLimit::Kind kind);
std::optional<RateLimit::Kind> parse_rate_limit(std::string_view text);

/// An ACME directory and the account used there.
struct Ca {
  std::string id;
  std::string server;                              ///< directory URL
  std::optional<std::filesystem::path> ca_bundle;  ///< trust anchors of a private CA, PEM
  std::optional<ExternalAccount> eab;
  std::string email;                   ///< contact of the account; empty: none
  std::vector<RateLimit> rate_limits;  ///< at most one of a kind; empty: none are known
  std::optional<int> max_parallel;     ///< Runs at this CA at a time; absent: no limit of its own
  /// Issuer domain names by which CAA records name it (RFC 8659 §4.2), lower case. Empty: those of its directory.
  std::vector<std::string> caa_identities;
  SourceMark mark;
};

/// A CA that a configuration can name without saying more than its credentials.
struct KnownCa {
  std::string server;         ///< ACME directory URL, as the CA's documentation gives it
  bool eab_required = false;  ///< accounts need external account binding
  std::vector<RateLimit> rate_limits{};
  std::vector<std::string> caa_identities{};  ///< for when its directory names none or cannot be asked
};

/// Credentials for one provider, with the zones they may edit.
struct Account {
  std::string id;
  std::string provider;
  std::vector<std::string> zones;  ///< lower case, A-labels, no trailing dot; empty: every zone
  std::optional<std::filesystem::path> credentials_file;
  std::map<std::string, ValueSource> credentials;  ///< key -> value; empty when credentials_file is given
  std::optional<Seconds> propagation;
  bool propagation_auto = false;    ///< learned from earlier Runs; then `propagation` is absent
  std::optional<int> max_parallel;  ///< Runs with these credentials at a time; absent: no limit of its own
  SourceMark mark;
};

enum class KeyType { ecdsa, rsa };

/// Owner and modes of published files. Unset owner and group leave the process's own.
struct FileAccess {
  std::string owner;
  std::string group;
  unsigned key_mode = 0600;   ///< privkey.pem
  unsigned cert_mode = 0644;  ///< the other three
};

/// What happened, for hooks.
enum class HookEvent {
  deployed,  ///< a Generation was published
  failed,    ///< a Run failed in a new way, or still does a day later
  expiring,  ///< the certificate nears its end and has not been renewed
  recovered  ///< published again after a failure that had been told
};

/// A configured command or webhook.
struct Hook {
  std::string id;
  std::vector<std::string> command;                ///< argument list; empty for a webhook
  std::optional<ValueSource> webhook;              ///< URL; may carry a token, so it is treated as a secret
  std::optional<std::filesystem::path> ca_bundle;  ///< trust anchors for the webhook's TLS
  std::vector<HookEvent> on{HookEvent::deployed};
  Seconds timeout{60};
  std::optional<Seconds> batch;  ///< executions for several Certificates within this delay are one; absent: each alone
  SourceMark mark;
};

/// What the configuration wants: a name, its domains and how to get them certified. Names are resolved: account, ca and
/// hooks name existing entries.
struct Certificate {
  std::string name;
  std::vector<std::string> domains;  ///< lower case, A-labels (RFC 5890), in the order written; wildcards as "*.x"
  std::string provider;
  std::string account;  ///< empty: the provider needs no credentials
  std::string ca;
  std::optional<Seconds> propagation;
  bool propagation_auto = false;  ///< as with an Account
  KeyType key_type = KeyType::ecdsa;
  std::string elliptic_curve = "secp256r1";  ///< ecdsa only: secp256r1, secp384r1 or secp521r1
  int rsa_key_size = 2048;                   ///< rsa only
  bool reuse_key = false;
  std::string preferred_chain;  ///< issuer common name; empty: the CA's default
  std::string profile;          ///< ACME profile; needs certbot 4.0
  std::vector<std::string> certbot_args;
  std::vector<std::string> hooks;  ///< in the order they run
  FileAccess files;
  SourceMark mark;
};

/// Where DNS questions go. Resolvers are "address:port", or "https://…" for DNS over HTTPS (RFC 8484).
struct DnsSettings {
  std::vector<std::string> resolvers;  ///< empty: the system's
  int port = 53;                       ///< of authoritative servers; labs use another
  /// What the public sees, for comparison in `certherd check`; empty: not asked.
  std::vector<std::string> public_resolvers{"1.1.1.1:53", "8.8.8.8:53"};
};

/// What is done with the Findings before an order.
enum class PreflightMode {
  block,  ///< what will certainly fail is not tried
  warn,   ///< everything is told, nothing blocked
  off     ///< DNS is not asked
};

/// Where everything lies (design: on disk). All paths absolute.
struct Paths {
  std::filesystem::path state_dir = "/var/lib/certherd";
  std::filesystem::path store_dir = "/var/lib/certherd/certificates";
  std::filesystem::path runtime_dir = "/run/certherd";
  std::filesystem::path audit_log = "/var/log/certherd/audit.jsonl";

  std::filesystem::path generations_dir()
      const;  ///< where the Generations lie: beside the store by default, inside a moved one
  std::filesystem::path certbot_dir(const std::string& certificate) const {
    return state_dir / "certbot" / certificate;
  }
  std::filesystem::path ca_account_dir(const std::string& ca) const { return state_dir / "accounts" / ca; }
  std::filesystem::path run_dir(const std::string& run) const { return state_dir / "runs" / run; }
  std::filesystem::path database() const { return state_dir / "certherd.db"; }
  std::filesystem::path lock_file() const { return state_dir / "lock"; }
  std::filesystem::path control_socket() const { return runtime_dir / "control.sock"; }
  std::filesystem::path credentials_dir() const { return runtime_dir / "credentials"; }
};

/// What is done while certbot waits for propagation.
struct PropagationSettings {
  bool end_wait = true;      ///< once every authoritative server has what the CA will look for
  Milliseconds margin{500};  ///< that is waited beyond that
};

/// Whether certbots are forked from one process that has imported certbot and its plugins once.
enum class EngineChoice {
  automatic,  ///< where it can be done, and several Runs are wanted at a time
  plain,      ///< never
  warm        ///< for a single Run too, where it can be done
};

/// How certbot is run.
struct CertbotSettings {
  std::filesystem::path executable = "/usr/bin/certbot";
  Seconds timeout{1800};  ///< of one Attempt, beyond the propagation time
  Seconds grace{60};      ///< between TERM and KILL: cleanup talks to the provider's API
  EngineChoice engine = EngineChoice::automatic;
};

/// Who may speak to a running certherd.
struct ControlSettings {
  unsigned socket_mode = 0660;
  std::string socket_group;  ///< empty: the process's own
};

/// A whole checked configuration.
struct Settings {
  std::filesystem::path file;  ///< the main configuration file
  std::string email;
  bool agree_tos = false;
  Paths paths;
  DnsSettings dns;
  PreflightMode preflight = PreflightMode::block;
  bool preflight_asks_provider = false;  ///< each preflight asks the DNS provider too what the account may do
  PropagationSettings propagation;
  CertbotSettings certbot;
  ControlSettings control;
  std::filesystem::path log_file;   ///< of the service; empty: standard error, and so the journal
  std::optional<int> max_parallel;  ///< Runs at a time; absent: as cores and memory allow
  /// How long before its end an unrenewed certificate is told of: longest first, no two the same; empty: never.
  std::vector<Seconds> expiring{std::chrono::days(14), std::chrono::days(7), std::chrono::days(3),
                                std::chrono::days(1)};
  std::map<std::string, Ca> cas;            ///< built-in and configured, by id
  std::map<std::string, Account> accounts;  ///< by id
  std::map<std::string, Hook> hooks;        ///< by id
  std::vector<Certificate> certificates;    ///< in the order written

  const Certificate* find(const std::string& name) const;
};

}  // namespace certherd
