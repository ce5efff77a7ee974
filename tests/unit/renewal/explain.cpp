#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/due.hpp>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using certherd::test::day;
using certherd::test::now;

namespace {

const Certificate& wanted() {
  static const Certificate certificate = [] {
    Certificate c;
    c.name = "example.com";
    c.domains = {"example.com"};
    c.ca = "letsencrypt";
    return c;
  }();
  return certificate;
}

CertificateFacts facts(std::chrono::hours lifetime) {
  CertificateFacts facts;
  facts.domains = {"example.com"};
  facts.serial = "0b";
  facts.issuer = "R11";
  facts.key = "ecdsa secp256r1";
  facts.ari_id = "aki.0b";
  facts.not_before = now - 2 * day;
  facts.not_after = facts.not_before + lifetime;
  return facts;
}

/// The chain as text, one step a line.
std::string told(renewal::Situation situation) {
  situation.explain = true;
  std::string text;
  for (const auto& [fact, when] : renewal::decide(situation).because)
    text += fact + (when ? " | " + format_utc_minutes(*when) : "") + "\n";
  return text;
}

}  // namespace

TEST_SUITE("renewal/explain") {
  TEST_CASE("a valid certificate without a window: lifetime, rule, jitter, the day") {
    renewal::Situation s{wanted(), facts(90 * day), {}, {}, {}, now, false};
    const auto moment = format_utc_minutes(renewal::renewal_time(*s.published));
    const auto text = told(s);
    CHECK(
        text.starts_with("published: serial 0b by R11, valid from | 2026-11-21 12:00\n"
                         "valid until | 2027-02-19 12:00\n"
                         "lifetime: 90 days\n"
                         "rule: renewed at 2/3 of the lifetime | 2027-01-20 12:00\n"
                         "jitter of this certificate: "));
    CHECK(text.ends_with(" % of the lifetime | " + moment +
                         "\nthe CA has suggested no renewal window for this certificate\nso it is renewed | " + moment +
                         "\n"));
  }

  TEST_CASE("the CA's window, the moment in it and when it is asked again") {
    renewal::Situation s{wanted(), facts(160h), {}, {}, {}, now, false};
    CertificateState state;
    state.window = RenewalWindow{"aki.0b",  now + 1 * day, now + 2 * day, "https://ca.example/why",
                                 now + 30h, now - 1 * day, now + 6h};
    s.state = &state;
    const auto text = told(s);
    CHECK(text.find("lifetime: 6 days 16 h\nrule: renewed at half of the lifetime, since it is shorter than 10 days | "
                    "2026-11-24 20:00\n") != std::string::npos);
    CHECK(
        text.ends_with("the CA suggests a window (ARI) that begins | 2026-11-24 12:00\n"
                       "and ends | 2026-11-25 12:00\n"
                       "the CA explains it at https://ca.example/why\n"
                       "the moment chosen in it, in place of the rule's | 2026-11-24 18:00\n"
                       "the CA is asked again | 2026-11-23 18:00\n"
                       "so it is renewed | 2026-11-24 18:00\n"));
    state.window->end = now + 100 * day;
    state.window->moment = now + 50 * day;
    CHECK(told(s).find("it is ignored in the last 5 % of the lifetime, which begin | 2026-11-27 20:00\n") !=
          std::string::npos);
    state.window->fetched = now + 9 * day;
    CHECK(told(s).find("is not believed: it was noted in the future") != std::string::npos);
    s.published->ari_id.clear();
    CHECK(told(s).find("the CA cannot be asked for a renewal window") != std::string::npos);
  }

  TEST_CASE("a window in the past") {
    renewal::Situation s{wanted(), facts(90 * day), {}, {}, {}, now, false};
    CertificateState state;
    state.window = RenewalWindow{"aki.0b", now - 3 * day, now - 2 * day, "", now - 3 * day, now - 1h, now + 6h};
    s.state = &state;
    const auto text = told(s);
    CHECK(text.find("that is in the past: revoked or to be replaced, so it is due at once") != std::string::npos);
    CHECK(text.ends_with("so it is due: revoked or replaced by the CA: ARI window in the past\n"));
  }

  TEST_CASE("a failure: what it was, how often, and until when it is waited for") {
    renewal::Situation s{wanted(), {}, {}, {}, {}, now, false};
    CertificateState state;
    state.failures = 3;
    state.failure_class = FailureClass::txt_missing;
    state.failed_at = now - 10min;
    state.retry_at = now + 90min;
    s.state = &state;
    CHECK(told(s) ==
          "nothing is published\n"
          "the last Run failed: txt_missing (the CA found no TXT record at the challenge name), 3 times in a row | "
          "2026-11-23 11:50\n"
          "tried again | 2026-11-23 13:30\n"
          "so it is due: missing\n"
          "and waits because of the failure until | 2026-11-23 13:30\n");
    state.failure_class = FailureClass::provider_auth;
    CHECK(told(s).find("tried again daily, or at once when the configuration, the credentials or the plugin change") !=
          std::string::npos);
  }

  TEST_CASE("what certbot holds besides") {
    renewal::Situation s{wanted(), {}, facts(90 * day), {}, {}, now, false};
    CHECK(
        told(s) ==
        "nothing is published\n"
        "certbot holds another certificate, serial 0b, valid until | 2027-02-19 12:00\n"
        "so what certbot holds is published, without a new order: certbot holds a newer certificate than the store\n");
  }
}
