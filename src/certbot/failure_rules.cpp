#include "failure_rules.hpp"

#include <certherd/base/text.hpp>

#include <array>
#include <optional>

namespace certherd::certbot {
namespace {

using enum FailureClass;

constexpr std::string_view acme_error = "urn:ietf:params:acme:error:";
constexpr std::string_view clock_fix =
    "check this host's clock (timedatectl): TLS certificates look expired or not yet valid when it is wrong";
constexpr std::string_view left_over_fix =
    "remove TXT records of {challenge} that earlier runs or other ACME clients left; raise propagation_seconds "
    "(certbot "
    "waited {wait}); check that all name servers of {domain} are in step";
constexpr std::string_view missing_fix =
    "raise propagation_seconds (certbot waited {wait}); check that every name server of {domain} serves {challenge} "
    "and "
    "that {provider} holds the zone the world sees";

/// RFC 8555 §6.7; the first row whose type and words fit decides. An empty type fits every type.
struct ProblemRule {
  std::string_view type;
  std::string_view words;
  FailureClass failure_class;
  std::string_view fix = {};
};

constexpr std::array problem_rules{
    // boulder says rateLimited with status 503 for its own maintenance page
    ProblemRule{"rateLimited", "down for maintenance", ca_unavailable},
    ProblemRule{"rateLimited", "temporarily prevented from requesting", rate_limited,
                "the CA has paused issuance for this account and name: open the address in its message to resume"},
    ProblemRule{"rateLimited", "", rate_limited},
    ProblemRule{"badNonce", "", bad_nonce},
    ProblemRule{"caa", "", caa_refused},
    // The zone is there, or the plugin would have failed before: it is the record that has not come yet.
    ProblemRule{"dns", "NXDOMAIN looking up TXT", txt_missing, missing_fix},
    ProblemRule{"dns", "NXDOMAIN", dns_error,
                "{domain} does not exist for the CA: check its registration and that the parent zone delegates it"},
    ProblemRule{"dns", "looking up CAA", dns_error,
                "the name servers of {domain} fail on CAA queries: they must answer them, if only with nothing"},
    ProblemRule{"dns", "DNSSEC", dns_error,
                "DNSSEC of {domain} is broken: compare the DS records with the zone's keys"},
    ProblemRule{"dns", "timed out", dns_error,
                "the name servers of {domain} did not answer the CA: check that they are reachable from outside"},
    ProblemRule{"dns", "", dns_error},
    ProblemRule{"", "No TXT record", txt_missing, missing_fix},  // boulder "record found", pebble "records found"
    ProblemRule{"", "Incorrect TXT record", txt_wrong, left_over_fix},
    ProblemRule{"", "Correct value not found for DNS challenge", txt_wrong, left_over_fix},  // pebble
    ProblemRule{"", R"(an unsuccessful response: '\\x03')", txt_missing, missing_fix},       // pebble: NXDOMAIN
    ProblemRule{"", "Error retrieving TXT records", dns_error},                              // pebble
    ProblemRule{
        "unauthorized", "Account is not valid", account_problem,
        "the CA has deactivated or revoked the account: remove it from the state directory's accounts/ so that a "
        "new one is registered"},
    ProblemRule{"accountDoesNotExist", "", account_problem,
                "the CA does not know the account: remove it from the state directory's accounts/ so that a new one is "
                "registered"},
    ProblemRule{"userActionRequired", "", account_problem,
                "the CA's terms of service have changed: read and accept them at the address that the CA names"},
    ProblemRule{"externalAccountRequired", "", account_problem, "set eab (kid and hmac_key) of the CA"},
    ProblemRule{"invalidContact", "", account_problem, "correct 'email' of the CA"},
    ProblemRule{"unsupportedContact", "", account_problem, "correct 'email' of the CA"},
    ProblemRule{"invalidProfile", "", ca_rejected, "set 'profile' to one that the CA offers, or leave it out"},
    ProblemRule{"incorrectResponse", "", txt_wrong, left_over_fix},
    ProblemRule{"serverInternal", "", ca_unavailable},
    ProblemRule{"orderNotReady", "", ca_unavailable, "try again: the CA had not yet noted that the domains are valid"},
};

enum class Where { anywhere, before_ca, provider, ca };

bool is_at(Phase phase, Where where) {
  using enum Phase;
  switch (where) {
    case Where::anywhere:
      return true;
    case Where::before_ca:
      return phase == startup || phase == account;
    case Where::provider:
      return phase == challenge || phase == provision || phase == propagation || phase == cleanup;
    case Where::ca:
      return phase == account || phase == order || phase == notify || phase == validation || phase == finalize;
  }
  return false;
}

/// The first row of the place whose words are all there decides.
struct TextRule {
  Where where;
  FailureClass failure_class;
  std::string_view words;
  std::string_view also = {};
  std::string_view fix = {};
};

constexpr std::string_view no_directory_fix =
    "what answers at the CA's address is not an ACME directory: check 'server' of the CA";
constexpr std::string_view find_bundle_fix = "check that the CA's ca_bundle is there and readable";
constexpr std::string_view token_fix =
    "check the credentials of the account with {provider}: the token is wrong, expired or cut";
constexpr std::string_view key_fix =
    "name, secret and algorithm of the TSIG key must be the same here and in the DNS server's configuration";
constexpr std::string_view zone_fix =
    "{provider} has no zone for {domain} under this account: check the account's zones, or use the account that holds "
    "it";

using enum Where;

constexpr std::array text_rules{
    // certbot itself
    TextRule{anywhere, certbot_locked, "Another instance of Certbot is already running"},
    TextRule{anywhere, plugin_missing, "plugin does not appear to be installed", "", "install {package}"},
    TextRule{anywhere, plugin_missing, "error: unrecognized arguments: ", "",
             "install {package}, or correct certbot_args: no installed plugin knows these options"},
    TextRule{anywhere, plugin_broken, "plugin errored while loading"},
    TextRule{anywhere, plugin_broken, "pkg_resources.", "VersionConflict"},
    TextRule{anywhere, plugin_broken, "pkg_resources.", "DistributionNotFound"},
    TextRule{anywhere, interrupted, "Exiting due to user request."},
    TextRule{anywhere, certbot_crash, "No space left on device", "", "free some space for the state directory"},
    TextRule{anywhere, certbot_crash, "Read-only file system", "", "make the state directory writable"},
    TextRule{before_ca, certbot_crash, "No module named 'certbot'", "",
             "reinstall certbot: its Python packages are gone or belong to another Python"},
    TextRule{before_ca, certbot_crash, "Permission denied", "",
             "the state directory must belong to the user that certherd runs as"},
    // the ACME account
    TextRule{before_ca, account_problem, "You should register before running", "",
             "certherd has no account at this CA yet"},
    TextRule{before_ca, account_problem, "Account at ", "does not exist"},
    TextRule{before_ca, account_problem, "Please choose an account", "",
             "several accounts lie in the CA's directory of the state directory's accounts/: leave one"},
    TextRule{before_ca, account_problem, "There is an existing account"},
    TextRule{before_ca, account_problem, "Server requires external account binding", "",
             "set eab (kid and hmac_key) of the CA"},
    TextRule{before_ca, account_problem, "agree in order to register", "", "certherd has no account at this CA yet"},
    TextRule{before_ca, account_problem, "Unable to register an account with ACME server"},
    // what answers is no ACME server
    TextRule{before_ca, ca_unavailable, "acme.errors.ClientError: <Response [404]>", "", no_directory_fix},
    TextRule{before_ca, ca_unavailable, "acme.errors.ClientError: Unexpected response Content-Type", "",
             no_directory_fix},
    // the credentials file
    TextRule{provider, credentials_file, "Missing propert", "credentials configuration file"},
    TextRule{
        provider, credentials_file, "Error parsing credentials configuration", "",
        "the credentials file is not ConfigObj syntax: one 'key = value' a line, values with , # or quotes in quotes"},
    TextRule{provider, credentials_file, "File not found: ", "", "the credentials file is not there"},
    TextRule{provider, credentials_file, "Path is a directory: ", "", "the credentials path names a directory"},
    TextRule{provider, credentials_file, "Missing command line flag or config entry for this setting"},
    TextRule{provider, credentials_file, "A hostname is not allowed", "",
             "write the DNS server's IP address, not its name, into the credentials"},
    TextRule{provider, credentials_file, "Unknown algorithm: ", "",
             "use one of HMAC-SHA512, HMAC-SHA384, HMAC-SHA256, HMAC-SHA224, HMAC-SHA1, HMAC-MD5"},
    TextRule{provider, credentials_file, "binascii.Error: ", "",
             "the secret is not Base64: copy it whole, and quote it if it holds a comma"},
    TextRule{provider, credentials_file, "Permission denied"},
    TextRule{provider, credentials_file, "json.decoder.JSONDecodeError", "", "the credentials file is not JSON"},
    // the provider refuses the credentials
    TextRule{provider, provider_auth, "didn't like the signature we sent", "", key_fix},
    TextRule{provider, provider_auth, "didn't know the key we used", "",
             "the DNS server does not know this TSIG key: check its name and the server's 'key' clause"},
    TextRule{
        provider, provider_auth, "didn't like the time we sent", "",
        "this host's clock and the DNS server's differ by more than TSIG allows (RFC 8945 §5.2.3): set the clocks"},
    TextRule{provider, provider_auth, "Unable to locate credentials", "",
             "give the account aws_access_key_id and aws_secret_access_key, or the host an instance role"},
    TextRule{provider, provider_auth, "InvalidClientTokenId", "", token_fix},
    TextRule{provider, provider_auth, "SignatureDoesNotMatch", "", token_fix},
    TextRule{provider, provider_auth, "ExpiredToken", "", token_fix},
    TextRule{provider, provider_auth, "UnrecognizedClientException", "", token_fix},
    TextRule{provider, provider_scope, "Error communicating with the Cloudflare API", "Authentication error",
             "the token may see the zone and not edit it: give it Zone:DNS:Edit for {domain}"},
    TextRule{provider, provider_auth, "Cloudflare", "Authentication error", token_fix},
    TextRule{provider, provider_auth, "Please confirm that you have supplied valid", "credentials", token_fix},
    TextRule{provider, provider_auth, "Invalid access token", "", token_fix},
    TextRule{provider, provider_auth, "401 Client Error", "", token_fix},
    TextRule{provider, provider_auth, "Unauthorized", "", token_fix},
    TextRule{provider, provider_auth, "uthentication failed", "", token_fix},
    TextRule{provider, provider_auth, "Unable to authenticate", "", token_fix},
    TextRule{provider, provider_auth, "Did you provide a valid API token", "", token_fix},
    TextRule{provider, provider_auth, "nvalid credentials", "", token_fix},
    TextRule{provider, provider_auth, "invalid_grant", "", token_fix},
    // they work, yet not for this zone
    TextRule{provider, provider_scope, "Received response from server: REFUSED", "",
             "the DNS server refuses updates by this key: its update-policy or allow-update must grant it {challenge}"},
    TextRule{provider, provider_scope, "Received response from server: NOTAUTH", "",
             "the DNS server is not authoritative for the zone in the view that this key reaches"},
    TextRule{provider, provider_scope, "Received response from server: NOTZONE", "", zone_fix},
    TextRule{provider, provider_scope, "Unable to determine base domain", "", zone_fix},
    TextRule{provider, provider_scope, "AccessDenied", "",
             "the policy of these credentials must allow route53:ListHostedZones, route53:GetChange and "
             "route53:ChangeResourceRecordSets"},
    TextRule{provider, provider_scope, "Unable to find a Route53 hosted zone", "", zone_fix},
    TextRule{provider, provider_scope, "is already associated with the supplied", "account", zone_fix},
    TextRule{provider, provider_scope, "403 Client Error"},
    TextRule{provider, provider_scope, "Forbidden"},
    // it cannot be reached or fails
    TextRule{provider, provider_error, "CERTIFICATE_VERIFY_FAILED", "certificate has expired", clock_fix},
    TextRule{provider, provider_error, "CERTIFICATE_VERIFY_FAILED", "certificate is not yet valid", clock_fix},
    TextRule{provider, provider_error, "CERTIFICATE_VERIFY_FAILED", "",
             "the certificate of the provider's API is not trusted: install ca-certificates; a CA's ca_bundle must not "
             "replace the public roots"},
    TextRule{provider, provider_error, "DNS operation timed out", "",
             "the DNS server did not answer: check its address in the credentials, port 53 TCP, and that it runs"},
    TextRule{provider, provider_error, "Name or service not known", "",
             "the name of the provider's API does not resolve: check this host's resolver"},
    TextRule{provider, provider_error, "Temporary failure in name resolution", "",
             "this host's resolver does not answer"},
    TextRule{provider, provider_error, "Max retries exceeded", "",
             "the provider's API cannot be reached: check this host's network, firewall and proxy"},
    TextRule{provider, provider_scope, "Unable to determine zone", "", zone_fix},
    TextRule{provider, provider_scope, "Unable to determine managed zone", "", zone_fix},
    TextRule{provider, provider_error, "requests.exceptions."},
    TextRule{provider, provider_error, "urllib3.exceptions."},
    TextRule{provider, provider_error, "certbot.errors."},  // PluginError and its kin: the plugin's own words
    TextRule{provider, provider_error, "TimeoutError"},
    TextRule{provider, provider_error, "ConnectionError"},
    TextRule{provider, provider_error, "botocore.exceptions."},
    // the CA
    TextRule{ca, ca_unavailable, "CERTIFICATE_VERIFY_FAILED", "certificate has expired", clock_fix},
    TextRule{ca, ca_unavailable, "CERTIFICATE_VERIFY_FAILED", "certificate is not yet valid", clock_fix},
    TextRule{
        ca, ca_unavailable, "CERTIFICATE_VERIFY_FAILED", "",
        "the CA's TLS certificate is not trusted: set ca_bundle for a private CA; install ca-certificates otherwise"},
    TextRule{ca, ca_unavailable, "Could not find a suitable TLS CA certificate bundle", "", find_bundle_fix},
    TextRule{ca, ca_unavailable, "Name or service not known", "",
             "the CA's host name does not exist: check 'server' of the CA"},
    TextRule{ca, ca_unavailable, "Temporary failure in name resolution", "", "this host's resolver does not answer"},
    TextRule{ca, ca_unavailable, "ProxyError", "", "check https_proxy: the proxy does not let certbot through"},
    TextRule{ca, ca_unavailable, "Connection refused", "",
             "nothing listens at the CA's address: check 'server' of the CA"},
    TextRule{ca, ca_unavailable, "requests.exceptions."},
    TextRule{ca, ca_unavailable, "urllib3.exceptions."},
    TextRule{ca, ca_unavailable, "acme.errors.TimeoutError", "",
             "the CA took longer than certbot waits (90 s); raise it with certbot_args: [--issuance-timeout, \"300\"]"},
    TextRule{ca, ca_unavailable, "All authorizations were not finalized by the CA"},
    TextRule{ca, ca_unavailable, "acme.errors.ClientError: <Response [5"},
    TextRule{ca, rate_limited, "acme.errors.ClientError: <Response [429]"},
    TextRule{ca, bad_nonce, "acme.errors.BadNonce"},
    TextRule{ca, bad_nonce, "acme.errors.MissingNonce"},
    TextRule{ca, ca_rejected, "The certificate order failed"},
    TextRule{ca, ca_rejected, "acme.errors.ClientError: <Response [4"},
};

}  // namespace

Verdict judge_problem(const Problem& problem, Phase phase) {
  std::string_view type = problem.type;
  if (type.starts_with(acme_error)) type.remove_prefix(acme_error.size());
  for (const auto& rule : problem_rules) {
    const bool fits = (rule.type.empty() || rule.type == type) && contains(problem.detail, rule.words);
    if (fits) return {rule.failure_class, rule.fix};
  }
  if (problem.status >= 500) return {ca_unavailable, {}};
  if (problem.status == 429) return {rate_limited, {}};
  if (phase == Phase::startup || phase == Phase::account) return {account_problem, {}};
  return {ca_rejected, {}};
}

Verdict judge_text(std::string_view text, Phase phase) {
  for (const auto& rule : text_rules)
    if (is_at(phase, rule.where) && contains(text, rule.words) && contains(text, rule.also))
      return {rule.failure_class, rule.fix};
  return {certbot_crash, {}};
}

}  // namespace certherd::certbot
