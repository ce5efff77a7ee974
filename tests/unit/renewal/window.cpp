#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/window.hpp>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using certherd::test::day;
using certherd::test::now;

namespace {

CertificateFacts valid_for(std::chrono::hours lifetime) {
  CertificateFacts facts;
  facts.serial = "01";
  facts.ari_id = "aki.01";
  facts.not_before = now - 1 * day;
  facts.not_after = facts.not_before + lifetime;
  return facts;
}

RenewalWindow window(TimePoint start, TimePoint end) {
  return {"aki.01", start, end, "", start, now, now};
}

}  // namespace

TEST_SUITE("renewal/window") {
  TEST_CASE("the moment lies in the window, evenly") {
    CHECK(renewal::choose_moment(now, now + 2 * day, 0.0) == now);
    CHECK(renewal::choose_moment(now, now + 2 * day, 0.5) == now + 1 * day);
    CHECK(renewal::choose_moment(now, now + 2 * day, 0.999) < now + 2 * day);
    CHECK(renewal::choose_moment(now, now + 2 * day, 7.0) == now + 2 * day);
    CHECK(renewal::choose_moment(now, now + 2 * day, -1.0) == now);
    CHECK(renewal::choose_moment(now, now, 0.5) == now);
    CHECK(renewal::choose_moment(now, now - 1 * day, 0.5) == now);
  }

  TEST_CASE("when the CA is asked again") {
    struct Row {
      const char* what;
      std::chrono::hours lifetime;
      std::optional<RenewalWindow> window;
      std::optional<Seconds> retry_after;
      Seconds expected;
    };
    const auto far = window(now + 30 * day, now + 32 * day);
    const auto here = window(now - 1h, now + 7h);
    const Row rows[] = {
        {"nothing known", 90 * day, {}, {}, 6h},
        {"Retry-After kept", 90 * day, far, Seconds(21600), 6h},
        {"an odd one kept to the second", 90 * day, far, Seconds(1234), Seconds(1234)},
        {"at least twice a day", 90 * day, far, Seconds(7 * 86400), 12h},
        {"however long it is", 90 * day, far, Seconds::max(), 12h},
        {"at least a minute apart", 90 * day, far, Seconds(0), 1min},
        {"however negative", 90 * day, far, Seconds(-5), 1min},
        {"a long life does not hurry in its window", 90 * day, here, Seconds(21600), 6h},
        {"short-lived, in its window: four times within it", 160h, here, Seconds(21600), 2h},
        {"short-lived, in its window, a shorter Retry-After", 160h, here, Seconds(600), 10min},
        {"short-lived, before its window: when it begins", 160h, window(now + 2h, now + 5h), Seconds(21600), 2h},
        {"short-lived, long before it", 160h, window(now + 2 * day, now + 3 * day), Seconds(21600), 6h},
        {"short-lived, after it", 160h, window(now - 3h, now - 1h), Seconds(21600), 6h},
        {"short-lived, a window of seconds", 160h, window(now - Seconds(1), now + Seconds(9)), Seconds(21600), 1min},
        {"short-lived, a window that is none", 160h, window(now + 5h, now - 2h), Seconds(21600), 6h},
    };
    for (const auto& row : rows) {
      CAPTURE(row.what);
      CHECK(renewal::next_ari_check(valid_for(row.lifetime), row.window, now, row.retry_after) == now + row.expected);
    }
  }

  TEST_CASE("a short-lived certificate's window is looked at four times at least") {
    const auto f = valid_for(160h);
    const auto w = window(now + 10h, now + 14h);
    int within = 0;
    for (TimePoint at = now; at < w.end; at = renewal::next_ari_check(f, w, at, Seconds(21600)))
      if (at >= w.start) ++within;
    CHECK(within == 4);
  }

  TEST_CASE("when it is due to ask") {
    auto f = valid_for(90 * day);
    CertificateState state;
    CHECK(renewal::ari_check_due(f, nullptr, now));
    CHECK(renewal::ari_check_due(f, &state, now));
    state.window = window(now + 1 * day, now + 2 * day);
    state.window->next_check = now + 1h;
    CHECK_FALSE(renewal::ari_check_due(f, &state, now));
    CHECK(renewal::ari_check_due(f, &state, now + 1h));
    state.window->fetched = now + 2 * day;  // stepped back since
    CHECK(renewal::ari_check_due(f, &state, now));
    state.window->fetched = now;
    state.window->ari_id = "aki.00";
    CHECK(renewal::ari_check_due(f, &state, now));
    f.ari_id.clear();
    CHECK_FALSE(renewal::ari_check_due(f, &state, now));
  }
}
