#pragma once

#include <certherd/base/mark.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/version.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certherd {

/// How a plugin takes its credentials.
enum class CredentialsKind {
  ini_file,     ///< a ConfigObj file named by the credentials flag
  json_file,    ///< a JSON document named by the credentials flag (google)
  file,         ///< another kind of file named by the credentials flag, its inside unknown to us (OCI configuration)
  environment,  ///< environment variables of the child (route53)
  none          ///< no credentials at all (standalone)
};

/// One key of a plugin's credentials: of the ini file, or the name of an environment variable. For json_file and file
/// it is the name under which an account's `credentials` gives the whole document.
struct CredentialKey {
  std::string name;
  bool required = false;  ///< of a pattern: at least one key that matches it
  bool secret = false;
  bool pattern = false;  ///< written with a '*' at its end in the plugins-map: `name` is what such keys begin with
  bool file = false;     ///< the value is the path of a second secret file
  std::string description;
};

/// Sets of keys of which exactly one set must be given whole, and no key of another set beside it ("api_token" or
/// "email"+"api_key").
using KeyAlternatives = std::vector<std::vector<std::string>>;

/// How the plugin waits for DNS propagation.
enum class WaitMechanism {
  fixed_sleep,  ///< certbot.plugins.dns_common.sleep: prints "Waiting N seconds"
  own_poll,     ///< asks its API or the nameservers itself (route53, active24)
  own_sleep     ///< sleeps in its own code as well or instead (multi, cdmon, zoneedit)
};

/// A question to a provider's API which zones some credentials reach. In a text, `{key}` stands for the credential of
/// that name, and `{page}` in the URL for the number of the page, from 1 on.
struct ZoneList {
  std::string url;
  std::map<std::string, std::string> headers;
  std::string names;  ///< where the zones stand in the JSON document that it answers: "result[].name"
  std::string pages;  ///< where the number of pages stands; empty: the first page without a zone is the last one
  /// HTTP statuses by which it says that the credentials are none; with others of them they may be good for all but
  /// this.
  std::vector<int> denials{401};
};

/// Where the credentials of a plugin that sends dynamic updates (RFC 2136, RFC 8945) stand: names of keys. The server
/// can then be asked whether it would take one.
struct UpdateKeys {
  std::string server;
  std::string port;
  std::string key_name;
  std::string secret;
  std::string algorithm;
};

/// One entry of the plugins-map: how a DNS provider's certbot plugin is called. Facts of plugins-map/<id>.yaml.
struct Provider {
  std::string id;             ///< what a certificate's dns_provider names
  std::string title;          ///< the provider's name as people write it
  std::string authenticator;  ///< certbot's name of the plugin: "dns-cloudflare"; decides every flag
  CredentialsKind credentials_kind = CredentialsKind::ini_file;
  std::string credentials_flag;       ///< "--dns-cloudflare-credentials"; empty for environment and none
  bool credentials_optional = false;  ///< the plugin has another source when none are given (google: metadata server)
  std::vector<CredentialKey> keys;
  KeyAlternatives alternatives;
  std::string propagation_flag;                   ///< empty: the plugin has none
  std::optional<Version> propagation_flag_until;  ///< certbot versions from this one on do not know the flag
  std::optional<Seconds> default_seconds;         ///< the plugin's own default; unknown for some plugins
  std::optional<Seconds> recommended_seconds;     ///< what certherd uses unless configured; else default_seconds
  WaitMechanism wait = WaitMechanism::fixed_sleep;
  bool single_txt = false;             ///< holds one TXT value for a name: apex and wildcard in one order cannot work
  bool follows_cname = false;          ///< the plugin writes where a CNAME at _acme-challenge leads
  bool own_zone = false;               ///< the plugin writes into a zone of its own, to which each challenge name leads
  std::optional<Version> certbot_min;  ///< oldest certbot the plugin works with
  std::optional<Version> certbot_below;  ///< first certbot version it no longer works with
  std::string debian_package;            ///< empty: not packaged in Debian 12
  std::string pypi_package;
  std::vector<std::string> extra_arguments;  ///< further constant arguments the plugin needs
  std::vector<ZoneList> zone_lists;          ///< ways to ask; the first one all of whose credentials are given
  std::optional<UpdateKeys> update_keys;
  std::string confidence;  ///< how far the entry was verified: "high", "medium", "low"
  std::string note;
  SourceMark mark;  ///< the file the entry came from

  /// What certherd waits for unless the configuration says otherwise.
  Seconds seconds() const { return recommended_seconds.value_or(default_seconds.value_or(Seconds{0})); }
};

using PluginsMap = std::map<std::string, Provider>;  ///< by id

}  // namespace certherd
