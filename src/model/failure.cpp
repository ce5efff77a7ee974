#include <certherd/model/failure.hpp>

#include <algorithm>
#include <array>

namespace certherd {
namespace {

using enum FailureClass;
constexpr Seconds day{86400};

// The order is that of the enum: traits() indexes it.
constexpr std::array<FailureTraits, 23> table{{
    {txt_missing, "txt_missing", true, Seconds(600), "the CA found no TXT record at the challenge name",
     "raise propagation_seconds; check that every authoritative server serves the zone"},
    {txt_wrong, "txt_wrong", true, Seconds(600), "the CA found other TXT values than the one it asked for",
     "raise propagation_seconds; remove leftover _acme-challenge records; check who else writes them"},
    {dns_error, "dns_error", true, Seconds(60), "the CA could not resolve the challenge name",
     "check the zone's delegation and name servers from outside"},
    {caa_refused, "caa_refused", true, day, "a CAA record forbids this CA to issue for the name",
     "add a CAA record that names the CA, or remove the one that excludes it"},
    {provider_auth, "provider_auth", false, std::nullopt, "the DNS provider refused the credentials",
     "check the account's credentials with the provider"},
    {provider_scope, "provider_scope", false, std::nullopt, "the account's credentials may not edit this zone",
     "use the account that holds the zone, or widen the token's scope"},
    {provider_error, "provider_error", true, Seconds(60), "the DNS provider's API failed or did not answer",
     "try again later; check the provider's status"},
    {rate_limited, "rate_limited", true, Seconds(3600), "the CA's rate limit is reached",
     "wait until the time that the CA names"},
    {ca_unavailable, "ca_unavailable", true, Seconds(60), "the CA could not be reached or had an internal error",
     "check this host's network, the CA's address and its status"},
    {ca_rejected, "ca_rejected", false, std::nullopt, "the CA refuses to issue for this order",
     "read the CA's words; change the certificate's domains or the CA"},
    {bad_nonce, "bad_nonce", true, Seconds(0), "the CA refused two nonces in a row", "try again"},
    {account_problem, "account_problem", false, std::nullopt, "the ACME account cannot be used",
     "register the account again; check the CA's email and eab settings"},
    {credentials_file, "credentials_file", false, std::nullopt, "the account's credentials are missing or malformed",
     "correct the credentials file; 'certherd providers ID' lists the keys that the plugin needs"},
    {plugin_missing, "plugin_missing", false, std::nullopt,
     "this certbot lacks what the certificate needs: the provider's plugin, or a feature of a newer version",
     "install the plugin's package ('certherd providers ID' names it), or upgrade certbot"},
    {plugin_broken, "plugin_broken", false, std::nullopt, "a certbot plugin fails while it loads",
     "update or remove the plugin that the error names; it breaks every certbot run"},
    {certbot_locked, "certbot_locked", true, Seconds(60), "another certbot uses the same directories",
     "do not run certbot by hand on certherd's directories"},
    {certbot_timeout, "certbot_timeout", true, Seconds(600), "certbot took too long and was ended",
     "look at the phase in which it hung; raise certbot.timeout if that is expected"},
    {certbot_crash, "certbot_crash", true, Seconds(600), "certbot failed in a way that nothing else explains",
     "read the attempt's log"},
    {bad_output, "bad_output", true, Seconds(600), "certbot reported success and left no usable certificate",
     "read the attempt's log; check that certbot is the real one"},
    {publish_failed, "publish_failed", true, Seconds(60), "the certificate is there, the store could not be written",
     "make the store writable; the next run publishes it without a new order"},
    {state_unwritable, "state_unwritable", true, Seconds(60),
     "certherd's own directories cannot be written; nothing was asked of the CA",
     "make them writable, free some space"},
    {preflight_blocked, "preflight_blocked", true, Seconds(60),
     "the preflight foresaw that the CA will refuse; nothing was asked of it",
     "do what the findings say; it is tried again by itself, and 'certherd check NAME' looks at once"},
    {interrupted, "interrupted", true, Seconds(0), "certherd was told to stop", "run it again"},
}};

}  // namespace

const FailureTraits& traits(FailureClass failure_class) {
  return table[static_cast<std::size_t>(failure_class)];
}

std::string_view to_string(FailureClass failure_class) {
  return traits(failure_class).name;
}

std::optional<FailureClass> parse_failure_class(std::string_view text) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == text; });
  if (found == table.end()) return std::nullopt;
  return found->failure_class;
}

std::span<const FailureTraits> all_failure_traits() {
  return table;
}

}  // namespace certherd
