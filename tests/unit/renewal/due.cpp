#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/due.hpp>

using namespace certherd;
using renewal::Decision;
using Action = Decision::Action;

namespace {

constexpr std::chrono::days day{1};
const TimePoint now = *parse_utc("2026-11-23T12:00:00Z");

CertificateFacts facts(std::chrono::days age, std::chrono::days lifetime, const std::string& serial = "01") {
  CertificateFacts facts;
  facts.domains = {"example.com", "*.example.com"};
  facts.serial = serial;
  facts.key = "ecdsa secp256r1";
  facts.not_before = now - age;
  facts.not_after = facts.not_before + lifetime;
  return facts;
}

const Certificate& wanted() {
  static const Certificate certificate = [] {
    Certificate c;
    c.name = "example.com";
    c.domains = {"*.example.com", "example.com"};
    c.ca = "letsencrypt";
    return c;
  }();
  return certificate;
}

renewal::Situation situation() {
  return {wanted(), {}, {}, {}, {}, now, false};
}

}  // namespace

TEST_SUITE("renewal/due") {
  TEST_CASE("two thirds of the lifetime, half of a short one") {
    CHECK(renewal::renewal_time(facts(0 * day, 90 * day)) == now + 60 * day);
    CHECK(renewal::renewal_time(facts(0 * day, 6 * day)) == now + 3 * day);
  }

  TEST_CASE("nothing is there: issue") {
    const auto decision = renewal::decide(situation());
    CHECK(decision.action == Action::issue);
    CHECK(decision.reason == "missing");
    CHECK_FALSE(decision.force_renewal);
  }

  TEST_CASE("valid and young: nothing") {
    auto s = situation();
    s.published = s.saved = facts(59 * day, 90 * day);
    const auto decision = renewal::decide(s);
    CHECK(decision.action == Action::nothing);
    CHECK(decision.reason == "valid until 2026-12-24 12:00");
    CHECK(decision.renew_at == now + 1 * day);
  }

  TEST_CASE("the order of the domains does not matter, their set does") {
    auto s = situation();
    s.published = s.saved = facts(1 * day, 90 * day);
    s.published->domains = {"example.com", "old.example.com"};
    s.saved->serial = "02";
    const auto decision = renewal::decide(s);
    CHECK(decision.action == Action::publish);  // what certbot holds is what is wanted
    s.saved = s.published;
    CHECK(renewal::decide(s).action == Action::issue);
    CHECK(renewal::decide(s).reason == "domains added: *.example.com; domains removed: old.example.com");
    CHECK(renewal::decide(s).force_renewal);
  }

  TEST_CASE(
      "at its renewal time, when expired, with another key, from another CA: issue, and certbot must not keep its "
      "own") {
    auto s = situation();
    s.published = s.saved = facts(60 * day, 90 * day);
    CHECK(renewal::decide(s).reason == "renewal time reached: 2026-11-23 12:00");
    s.published = s.saved = facts(91 * day, 90 * day);
    CHECK(renewal::decide(s).reason == "expired at 2026-11-22 12:00");
    s.published = s.saved = facts(1 * day, 90 * day);
    s.published->key = s.saved->key = "rsa 2048";
    CHECK(renewal::decide(s).reason == "key changed from rsa 2048 to ecdsa secp256r1");
    s.published = s.saved = facts(1 * day, 90 * day);
    s.published_ca = "letsencrypt-staging";
    CHECK(renewal::decide(s).reason == "CA changed from letsencrypt-staging to letsencrypt");
    CHECK(renewal::decide(s).force_renewal);
  }

  TEST_CASE("certbot's newer certificate is published without an order") {
    auto s = situation();
    s.saved = facts(1 * day, 90 * day, "02");
    CHECK(renewal::decide(s).action == Action::publish);
    s.published = facts(70 * day, 90 * day, "01");
    CHECK(renewal::decide(s).action == Action::publish);
  }

  TEST_CASE("what certbot holds is not published when it is old, due, expired or not what is wanted") {
    auto s = situation();
    s.published = facts(10 * day, 90 * day, "02");
    s.saved = facts(20 * day, 90 * day, "01");
    CHECK(renewal::decide(s).action == Action::nothing);
    s.published.reset();
    s.saved = facts(80 * day, 90 * day);
    CHECK(renewal::decide(s).action == Action::issue);
    s.saved = facts(100 * day, 90 * day);
    CHECK(renewal::decide(s).action == Action::issue);
    s.saved = facts(1 * day, 90 * day);
    s.saved->key = "rsa 2048";
    CHECK(renewal::decide(s).action == Action::issue);
  }

  TEST_CASE("forced: always a new order") {
    auto s = situation();
    s.published = s.saved = facts(1 * day, 90 * day);
    s.forced = true;
    CHECK(renewal::decide(s).action == Action::issue);
    CHECK(renewal::decide(s).reason == "forced");
    CHECK(renewal::decide(s).force_renewal);
  }
}
