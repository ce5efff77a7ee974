#pragma once

#include <certherd/base/mark.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/provider.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
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

/// An ACME directory and the account used there.
struct Ca {
  std::string id;
  std::string server;                              ///< directory URL
  std::optional<std::filesystem::path> ca_bundle;  ///< trust anchors of a private CA, PEM
  std::optional<ExternalAccount> eab;
  std::string email;  ///< contact of the account; empty: none
  SourceMark mark;
};

/// A CA that a configuration can name without saying more than its credentials.
struct KnownCa {
  std::string server;         ///< ACME directory URL, as the CA's documentation gives it
  bool eab_required = false;  ///< accounts need external account binding
};

/// Credentials for one provider, with the zones they may edit.
struct Account {
  std::string id;
  std::string provider;
  std::vector<std::string> zones;  ///< lower case, A-labels, no trailing dot; empty: every zone
  std::optional<std::filesystem::path> credentials_file;
  std::map<std::string, ValueSource> credentials;  ///< key -> value; empty when credentials_file is given
  std::optional<Seconds> propagation;
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

/// What happened, for hooks: a Generation was published, or a Run failed.
enum class HookEvent { deployed, failed };

/// A configured command or webhook.
struct Hook {
  std::string id;
  std::vector<std::string> command;                ///< argument list; empty for a webhook
  std::optional<ValueSource> webhook;              ///< URL; may carry a token, so it is treated as a secret
  std::optional<std::filesystem::path> ca_bundle;  ///< trust anchors for the webhook's TLS
  std::vector<HookEvent> on{HookEvent::deployed};
  Seconds timeout{60};
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

/// Where DNS questions go.
struct DnsSettings {
  std::vector<std::string> resolvers;  ///< "address:port"; empty: the system's
  int port = 53;                       ///< of authoritative servers; labs use another
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
  std::filesystem::path credentials_dir() const { return runtime_dir / "credentials"; }
};

/// How certbot is run.
struct CertbotSettings {
  std::filesystem::path executable = "/usr/bin/certbot";
  Seconds timeout{1800};  ///< of one Attempt, beyond the propagation time
  Seconds grace{60};      ///< between TERM and KILL: cleanup talks to the provider's API
};

/// A whole checked configuration.
struct Settings {
  std::filesystem::path file;  ///< the main configuration file
  std::string email;
  bool agree_tos = false;
  Paths paths;
  DnsSettings dns;
  CertbotSettings certbot;
  std::map<std::string, Ca> cas;            ///< built-in and configured, by id
  std::map<std::string, Account> accounts;  ///< by id
  std::map<std::string, Hook> hooks;        ///< by id
  std::vector<Certificate> certificates;    ///< in the order written

  const Certificate* find(const std::string& name) const;
};

}  // namespace certherd
