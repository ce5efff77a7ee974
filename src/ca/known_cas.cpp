#include <certherd/ca/known_cas.hpp>

namespace certherd::ca {

namespace {

using Kind = RateLimit::Kind;
using std::chrono::days;
using std::chrono::hours;

/// https://letsencrypt.org/docs/rate-limits/
std::vector<RateLimit> production_limits() {
  return {{Kind::new_orders, 300, hours(3)},
          {Kind::registered_domain, 50, days(7)},
          {Kind::exact_set, 5, days(7)},
          {Kind::failed_validations, 5, hours(1)}};
}

/// https://letsencrypt.org/docs/staging-environment/
std::vector<RateLimit> staging_limits() {
  return {{Kind::new_orders, 1500, hours(3)},
          {Kind::registered_domain, 30000, days(7)},
          {Kind::exact_set, 30000, days(7)},
          {Kind::failed_validations, 200, hours(1)}};
}

}  // namespace

const std::map<std::string, KnownCa>& known_cas() {
  static const std::map<std::string, KnownCa> table{
      {"letsencrypt",
       {"https://acme-v02.api.letsencrypt.org/directory", false, production_limits(), {"letsencrypt.org"}}},
      {"letsencrypt-staging",
       {"https://acme-staging-v02.api.letsencrypt.org/directory", false, staging_limits(), {"letsencrypt.org"}}},
      {"zerossl",
       {"https://acme.zerossl.com/v2/DV90",
        true,
        {},
        {"sectigo.com", "trust-provider.com", "usertrust.com", "comodoca.com", "comodo.com"}}},
      {"google", {"https://dv.acme-v02.api.pki.goog/directory", true, {}, {"pki.goog"}}},
      {"sslcom", {"https://acme.ssl.com/sslcom-dv-ecc", true, {}, {"ssl.com"}}},
      {"actalis", {"https://acme-api.actalis.com/acme/directory", true, {}, {"actalis.it"}}},
  };
  return table;
}

}  // namespace certherd::ca
