#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/notices.hpp>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using enum FailureClass;
using Events = std::vector<HookEvent>;
using certherd::test::day;
using certherd::test::now;

namespace {

const std::vector<Seconds> thresholds = Settings().expiring;

CertificateState failing(FailureClass failure_class) {
  CertificateState state;
  state.failure_class = failure_class;
  return state;
}

renewal::Notices told(const CertificateState& before, const CertificateState& after, TimePoint at) {
  return renewal::notices(before, after, std::nullopt, thresholds, at);
}

std::optional<CertificateFacts> facts(std::chrono::hours lifetime, std::chrono::hours left,
                                      const std::string& serial = "01") {
  CertificateFacts facts;
  facts.serial = serial;
  facts.not_after = now + left;
  facts.not_before = facts.not_after - lifetime;
  return facts;
}

}  // namespace

TEST_SUITE("renewal/notices") {
  TEST_CASE("failed: once, again for another class, daily while it lasts, and recovered when it is over") {
    const auto first = told({}, failing(txt_missing), now);
    CHECK(first.fire == Events{HookEvent::failed});
    CHECK(first.changed);
    CHECK(first.state.failed_told == now);
    const auto same = told(first.state, first.state, now + 23h);
    CHECK(same.fire.empty());
    CHECK_FALSE(same.changed);
    CHECK(told(first.state, first.state, now + 24h).fire == Events{HookEvent::failed});
    auto other = first.state;
    other.failure_class = provider_auth;
    const auto second = told(first.state, other, now + 1h);
    CHECK(second.fire == Events{HookEvent::failed});
    auto well = second.state;
    well.failure_class.reset();
    const auto over = told(second.state, well, now + 2h);
    CHECK(over.fire == Events{HookEvent::recovered});
    CHECK_FALSE(over.state.failed_told);
    CHECK(told(over.state, over.state, now + 3h).fire.empty());
    CHECK(told(over.state, failing(txt_missing), now + 4h).fire == Events{HookEvent::failed});
  }

  TEST_CASE("a success without a failure before is nothing to tell") {
    CHECK(told({}, {}, now).fire.empty());
  }

  TEST_CASE("what was told in the future counts no more: the clock was stepped back") {
    auto state = failing(txt_missing);
    state.failed_told = now + 300 * day;
    CHECK(told(state, state, now).fire == Events{HookEvent::failed});
    state.failed_told = now + 10min;
    CHECK(told(state, state, now).fire.empty());
  }

  TEST_CASE("expiring: each threshold once, those of a third of the lifetime or more never") {
    struct Row {
      std::chrono::hours lifetime;
      std::chrono::hours left;
      std::optional<Seconds> threshold;
    };
    const Row rows[] = {{90 * day, 15 * day, {}},
                        {90 * day, 14 * day, 14 * day},
                        {90 * day, 8 * day, 14 * day},
                        {90 * day, 7 * day, 7 * day},
                        {90 * day, 3 * day, 3 * day},
                        {90 * day, 5h, 1 * day},
                        {90 * day, -48h, 1 * day},
                        {45 * day, 14 * day, 14 * day},
                        {42 * day, 14 * day, {}},
                        {160h, 72h, {}},
                        {160h, 24h, 1 * day},
                        {160h, 25h, {}},
                        {24h, 1h, {}}};
    for (const auto& row : rows) {
      CAPTURE(row.lifetime.count());
      CAPTURE(row.left.count());
      const auto result = renewal::notices({}, {}, facts(row.lifetime, row.left), thresholds, now);
      CHECK(result.fire == (row.threshold ? Events{HookEvent::expiring} : Events{}));
      CHECK(result.state.expiring_told == row.threshold);
    }
  }

  TEST_CASE("expiring is told once for a threshold and serial, whatever order the thresholds have") {
    const std::vector<Seconds> mixed{1 * day, 14 * day, 3 * day};
    CertificateState state;
    int fired = 0;
    for (auto left = std::chrono::hours(20 * day); left > -48h; left -= 1h) {
      const auto result = renewal::notices(state, state, facts(90 * day, left), mixed, now);
      fired += static_cast<int>(result.fire.size());
      state = result.state;
    }
    CHECK(fired == 3);
    const auto next = renewal::notices(state, state, facts(90 * day, 10 * day, "02"), mixed, now);
    CHECK(next.fire == Events{HookEvent::expiring});
    CHECK(next.state.expiring_serial == "02");
    CHECK(renewal::notices(state, state, facts(90 * day, 80 * day, "02"), mixed, now).fire.empty());
    CHECK(renewal::notices({}, {}, facts(90 * day, 1h), {}, now).fire.empty());
  }
}
