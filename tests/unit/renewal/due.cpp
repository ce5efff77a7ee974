#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/due.hpp>

#include <algorithm>
#include <array>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using renewal::Decision;
using Action = Decision::Action;
using certherd::test::day;
using certherd::test::now;

namespace {

CertificateFacts aged(std::chrono::days age, std::chrono::days lifetime, const std::string& serial = "01") {
  CertificateFacts facts;
  facts.domains = {"example.com", "*.example.com"};
  facts.serial = serial;
  facts.ari_id = "aki." + serial;
  facts.key = "ecdsa secp256r1";
  facts.not_before = now - age;
  facts.not_after = facts.not_before + lifetime;
  return facts;
}

const Certificate& a_certificate() {
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
  return {a_certificate(), {}, {}, {}, {}, now, false};
}

/// What is left when the jitter is taken away: two thirds or half.
bool near(TimePoint moment, TimePoint planned, std::chrono::days lifetime) {
  const Seconds most = Seconds(lifetime) / 50;
  return moment >= planned - most && moment <= planned + most;
}

CertificateState with_window(TimePoint start, TimePoint end, TimePoint moment, const std::string& ari_id = "aki.01") {
  CertificateState state;
  state.window = RenewalWindow{ari_id, start, end, "", moment, now - 1 * day, now + 1 * day};
  return state;
}

}  // namespace

TEST_SUITE("renewal/due") {
  TEST_CASE("two thirds of the lifetime, half of a short one, within two percent") {
    struct Row {
      std::chrono::days lifetime;
      std::chrono::hours planned;
    };
    for (const auto& [lifetime, planned] : {Row{90 * day, 60 * day}, Row{45 * day, 30 * day}, Row{10 * day, 160h},
                                            Row{9 * day, 108h}, Row{6 * day, 72h}}) {
      CAPTURE(lifetime.count());
      for (int serial = 0; serial < 500; ++serial) {
        const auto f = aged(0 * day, lifetime, std::to_string(serial));
        CHECK(near(renewal::renewal_time(f), now + planned, lifetime));
      }
    }
  }

  TEST_CASE("the jitter follows from the serial alone and is spread evenly") {
    std::array<int, 10> tenths{};
    for (int serial = 0; serial < 10'000; ++serial) {
      const auto f = aged(0 * day, 100 * day, std::to_string(serial));
      const auto moment = renewal::renewal_time(f);
      CHECK(moment == renewal::renewal_time(f));
      const auto early = now + 1600h - 2 * day;
      const double part = std::chrono::duration<double>(moment - early) / std::chrono::days(4);
      ++tenths.at(static_cast<std::size_t>(std::clamp(part, 0.0, 0.9999) * 10));
    }
    for (const int count : tenths) CHECK((count > 850 && count < 1150));
  }

  TEST_CASE("the CA's window counts when it is of this certificate, and its moment is the time") {
    const auto f = aged(10 * day, 90 * day);
    auto state = with_window(now + 20 * day, now + 22 * day, now + 21 * day);
    CHECK(renewal::renewal_time(f, &state, now) == now + 21 * day);
    state.window->ari_id = "aki.02";
    CHECK(renewal::renewal_time(f, &state, now) == renewal::renewal_time(f));
    state.window->ari_id.clear();
    auto nameless = f;
    nameless.ari_id.clear();
    CHECK(renewal::renewal_time(nameless, &state, now) == renewal::renewal_time(f));
    CHECK(renewal::renewal_time(f, nullptr, now) == renewal::renewal_time(f));
  }

  TEST_CASE("a window beyond 95 % of the lifetime is not waited for") {
    const auto f = aged(10 * day, 100 * day);
    auto state = with_window(now + 80 * day, now + 200 * day, now + 150 * day);
    CHECK(renewal::renewal_time(f, &state, now) == f.not_before + 95 * day);
    auto s = situation();
    s.published = s.saved = f;
    s.state = &state;
    s.now = f.not_before + 95 * day - Seconds(1);
    CHECK(renewal::decide(s).action == Action::nothing);
    s.now += Seconds(1);
    CHECK(renewal::decide(s).reason == "renewal time reached: 2027-02-16 12:00");
  }

  TEST_CASE("a window noted in the future, or that is none, is not believed") {
    const auto f = aged(10 * day, 90 * day);
    auto state = with_window(now + 1 * day, now + 3 * day, now + 2 * day);
    state.window->fetched = now + 2h;
    CHECK(renewal::renewal_time(f, &state, now) == renewal::renewal_time(f));
    state = with_window(now + 3 * day, now + 1 * day, now + 2 * day);
    CHECK(renewal::renewal_time(f, &state, now) == renewal::renewal_time(f));
    state = with_window(now + 1 * day, now + 3 * day, now + 4 * day);
    CHECK(renewal::renewal_time(f, &state, now) == renewal::renewal_time(f));
  }

  TEST_CASE("a window that was in the past when the CA gave it: at once, once a day at most") {
    auto s = situation();
    s.published = s.saved = aged(10 * day, 90 * day);
    auto state = with_window(now - 9 * day, now - 8 * day, now - 8 * day - 12h);
    s.state = &state;
    CHECK(renewal::decide(s).action == Action::issue);
    CHECK(renewal::decide(s).reason == "revoked or replaced by the CA: ARI window in the past");
    CHECK(renewal::decide(s).force_renewal);
    state.window_obeyed = now - 1h;
    CHECK(renewal::decide(s).action == Action::nothing);
    CHECK(renewal::decide(s).renew_at == now + 23h);
    s.now = now + 23h;
    CHECK(renewal::decide(s).action == Action::issue);
    s.now = now;
    state.window_obeyed = now + 300 * day;  // the clock was stepped back: no reason to wait
    CHECK(renewal::decide(s).action == Action::issue);
    state.window_obeyed = now - 1h;
    s.published = s.saved = aged(70 * day, 90 * day);
    CHECK(renewal::decide(s).action == Action::issue);  // the pause never outlasts the rule
  }

  TEST_CASE("a window that passed while nobody looked is reached, not a sign of revocation") {
    auto s = situation();
    s.published = s.saved = aged(50 * day, 90 * day);
    auto state = with_window(now - 12h, now - 6h, now - 8h);
    s.state = &state;
    CHECK(renewal::decide(s).reason == "renewal time in the CA's window reached: 2026-11-23 04:00");
  }

  TEST_CASE("revoked: at once, and what certbot holds instead is published") {
    auto s = situation();
    s.published = s.saved = aged(10 * day, 90 * day);
    CertificateState state;
    state.revoked_serial = "01";
    s.state = &state;
    CHECK(renewal::decide(s).action == Action::issue);
    CHECK(renewal::decide(s).reason == "revoked");
    s.saved = aged(20 * day, 90 * day, "00");  // older, yet valid
    CHECK(renewal::decide(s).action == Action::publish);
    state.revoked_serial = "00";
    s.published = aged(10 * day, 90 * day);
    CHECK(renewal::decide(s).action == Action::nothing);
    s.published.reset();
    CHECK(renewal::decide(s).action == Action::issue);  // the revoked one is not published
  }

  TEST_CASE("another profile: issue; an unknown one is no difference") {
    auto s = situation();
    s.published = s.saved = aged(1 * day, 90 * day);
    CHECK(renewal::decide(s).action == Action::nothing);
    s.published_profile = "";
    CHECK(renewal::decide(s).action == Action::nothing);
    s.published_profile = "shortlived";
    CHECK(renewal::decide(s).action == Action::issue);
    CHECK(renewal::decide(s).reason == "profile changed from shortlived to the CA's default");
  }

  TEST_CASE("a failure is waited out, unless the Run is forced") {
    auto s = situation();
    CertificateState state;
    state.failures = 1;
    state.failure_class = FailureClass::txt_missing;
    state.failed_at = now - Seconds(10);
    state.retry_at = now + Seconds(50);
    s.state = &state;
    auto decision = renewal::decide(s);
    CHECK(decision.action == Action::issue);
    CHECK(decision.held_until == now + Seconds(50));
    CHECK(decision.look_again == now + Seconds(50));
    s.forced = true;
    CHECK_FALSE(renewal::decide(s).held_until);
    CHECK(renewal::decide(s).look_again == TimePoint());
    s.forced = false;
    s.now = now + Seconds(50);
    CHECK_FALSE(renewal::decide(s).held_until);
  }

  TEST_CASE("whoever has nothing to do is looked at again at the renewal time") {
    auto s = situation();
    s.published = s.saved = aged(10 * day, 90 * day);
    CHECK(renewal::decide(s).look_again == renewal::renewal_time(*s.published));
    CHECK(renewal::decide(s).because.empty());
  }

  TEST_CASE("nothing is there: issue") {
    const auto decision = renewal::decide(situation());
    CHECK(decision.action == Action::issue);
    CHECK(decision.reason == "missing");
    CHECK_FALSE(decision.force_renewal);
  }

  TEST_CASE("valid and young: nothing") {
    auto s = situation();
    s.published = s.saved = aged(58 * day, 90 * day);
    const auto decision = renewal::decide(s);
    CHECK(decision.action == Action::nothing);
    CHECK(decision.reason == "valid until 2026-12-25 12:00");
    CHECK(decision.renew_at == renewal::renewal_time(*s.published));
  }

  TEST_CASE("the order of the domains does not matter, their set does") {
    auto s = situation();
    s.published = s.saved = aged(1 * day, 90 * day);
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
    s.published = s.saved = aged(65 * day, 90 * day);
    CHECK(renewal::decide(s).reason ==
          "renewal time reached: " + format_utc_minutes(renewal::renewal_time(*s.published)));
    s.published = s.saved = aged(91 * day, 90 * day);
    CHECK(renewal::decide(s).reason == "expired at 2026-11-22 12:00");
    s.published = s.saved = aged(1 * day, 90 * day);
    s.published->key = s.saved->key = "rsa 2048";
    CHECK(renewal::decide(s).reason == "key changed from rsa 2048 to ecdsa secp256r1");
    s.published = s.saved = aged(1 * day, 90 * day);
    s.published_ca = "letsencrypt-staging";
    CHECK(renewal::decide(s).reason == "CA changed from letsencrypt-staging to letsencrypt");
    CHECK(renewal::decide(s).force_renewal);
  }

  TEST_CASE("certbot's newer certificate is published without an order") {
    auto s = situation();
    s.saved = aged(1 * day, 90 * day, "02");
    CHECK(renewal::decide(s).action == Action::publish);
    s.published = aged(70 * day, 90 * day, "01");
    CHECK(renewal::decide(s).action == Action::publish);
  }

  TEST_CASE("what certbot holds is not published when it is old, due, expired or not what is wanted") {
    auto s = situation();
    s.published = aged(10 * day, 90 * day, "02");
    s.saved = aged(20 * day, 90 * day, "01");
    CHECK(renewal::decide(s).action == Action::nothing);
    s.published.reset();
    s.saved = aged(80 * day, 90 * day);
    CHECK(renewal::decide(s).action == Action::issue);
    s.saved = aged(100 * day, 90 * day);
    CHECK(renewal::decide(s).action == Action::issue);
    s.saved = aged(1 * day, 90 * day);
    s.saved->key = "rsa 2048";
    CHECK(renewal::decide(s).action == Action::issue);
  }

  TEST_CASE("forced: always a new order") {
    auto s = situation();
    s.published = s.saved = aged(1 * day, 90 * day);
    s.forced = true;
    CHECK(renewal::decide(s).action == Action::issue);
    CHECK(renewal::decide(s).reason == "forced");
    CHECK(renewal::decide(s).force_renewal);
  }
}
