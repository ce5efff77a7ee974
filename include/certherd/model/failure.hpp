#pragma once

#include <certherd/base/time.hpp>
#include <certherd/model/phase.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace certherd {

/// What kind of failure, and so what to do next. The names, as text, are part of the audit log and the JSON output.
enum class FailureClass {
  txt_missing,        ///< the CA found no TXT record: propagation
  txt_wrong,          ///< the CA found other values than the expected one
  dns_error,          ///< the CA could not resolve the name: SERVFAIL, timeout, NXDOMAIN of the zone
  caa_refused,        ///< a CAA record forbids this CA
  provider_auth,      ///< the DNS provider refused the credentials
  provider_scope,     ///< the credentials work, yet not for this zone
  provider_error,     ///< the DNS provider's API failed or did not answer
  rate_limited,       ///< the CA's rate limit
  ca_unavailable,     ///< the CA could not be reached or answered with a server error
  ca_rejected,        ///< the CA refuses this order as such
  bad_nonce,          ///< two bad nonces in a row
  account_problem,    ///< the ACME account is missing, deactivated or not accepted
  credentials_file,   ///< credentials missing, unreadable, incomplete or malformed
  plugin_missing,     ///< certbot does not know the plugin
  plugin_broken,      ///< a plugin fails while it loads
  certbot_locked,     ///< another certbot holds the directories
  certbot_timeout,    ///< certbot was ended because it took too long
  certbot_crash,      ///< certbot died, or failed in a way that nothing else explains
  bad_output,         ///< certbot said success and left no usable certificate
  publish_failed,     ///< the certificate is there, the store could not be written
  state_unwritable,   ///< certherd's own directories cannot be written; nothing was asked of the CA
  preflight_blocked,  ///< the preflight foresaw a failure; nothing was asked of the CA
  interrupted         ///< certherd was told to stop
};

/// What is known of a class besides its name.
struct FailureTraits {
  FailureClass failure_class{};
  std::string_view name;
  bool retry = true;                   ///< whether trying again without a change can help
  std::optional<Seconds> retry_after;  ///< earliest sensible next try; nullopt: once something has changed
  std::string_view meaning;            ///< one line
  std::string_view fix;                ///< one line: what a person should do
};

const FailureTraits& traits(FailureClass failure_class);
std::string_view to_string(FailureClass failure_class);
std::optional<FailureClass> parse_failure_class(std::string_view text);
std::span<const FailureTraits> all_failure_traits();

/// A failed Attempt or Run, told verbatim. Texts are redacted and printable, otherwise as certbot and the CA wrote
/// them.
struct Failure {
  FailureClass failure_class{};
  std::optional<Phase> phase;          ///< where it happened
  std::string error;                   ///< certbot's final error, or ours where certbot was not to blame
  std::string problem_type;            ///< "urn:ietf:params:acme:error:dns"; empty: the CA sent none (RFC 8555 §6.7)
  std::string problem_detail;          ///< the CA's words
  std::string problem_domain;          ///< the identifier the problem names, if any
  std::string hint;                    ///< certbot's own hint, if it gave one
  std::string fix;                     ///< what to do, more specific than the class's own fix where more is known
  std::optional<Seconds> retry_after;  ///< the CA's Retry-After, counted from when it was received
};

}  // namespace certherd
