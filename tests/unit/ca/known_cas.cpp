#include <ostream>

#include <doctest/doctest.h>
#include <certherd/ca/known_cas.hpp>

using namespace certherd;

TEST_SUITE("ca/known_cas") {
  TEST_CASE("each known CA has an https directory, and only Let's Encrypt registers accounts without a binding") {
    CHECK(ca::known_cas().size() == 6);
    for (const auto& [id, known] : ca::known_cas()) {
      CHECK_MESSAGE(known.server.starts_with("https://"), id);
      CHECK_MESSAGE(known.eab_required == !id.starts_with("letsencrypt"), id);
    }
    CHECK(ca::known_cas().at("letsencrypt").server == "https://acme-v02.api.letsencrypt.org/directory");
    using Kind = RateLimit::Kind;
    using namespace std::chrono;
    CHECK(ca::known_cas().at("letsencrypt").rate_limits ==
          std::vector<RateLimit>{{Kind::new_orders, 300, hours(3)},
                                 {Kind::registered_domain, 50, days(7)},
                                 {Kind::exact_set, 5, days(7)},
                                 {Kind::failed_validations, 5, hours(1)}});
    CHECK(ca::known_cas().at("letsencrypt-staging").rate_limits.size() == 4);
    CHECK(ca::known_cas().at("zerossl").rate_limits.empty());
    CHECK(ca::known_cas().at("letsencrypt-staging").server != ca::known_cas().at("letsencrypt").server);
  }
}
