#include <certherd/ca/known_cas.hpp>

namespace certherd::ca {

const std::map<std::string, KnownCa>& known_cas() {
  static const std::map<std::string, KnownCa> table{
      {"letsencrypt", {"https://acme-v02.api.letsencrypt.org/directory", false}},
      {"letsencrypt-staging", {"https://acme-staging-v02.api.letsencrypt.org/directory", false}},
      {"zerossl", {"https://acme.zerossl.com/v2/DV90", true}},
      {"google", {"https://dv.acme-v02.api.pki.goog/directory", true}},
      {"sslcom", {"https://acme.ssl.com/sslcom-dv-ecc", true}},
      {"actalis", {"https://acme-api.actalis.com/acme/directory", true}},
  };
  return table;
}

}  // namespace certherd::ca
