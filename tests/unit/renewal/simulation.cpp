#include <ostream>

#include <doctest/doctest.h>

#include "fleet.hpp"
#include "support/moments.hpp"

#include <algorithm>
#include <cstdlib>

using namespace certherd;
using namespace certherd::test;
using namespace std::chrono_literals;
using certherd::test::day;
using certherd::test::now;

// Months in the life of a fleet. The unit tests run a small one, since they are slow by design (no optimization, all
// sanitizers); CERTHERD_SIMULATION=full, set by the ctest entry of its own, means ten thousand certificates.

namespace {

bool full() {
  static const bool is_full = [] {
    const char* value = std::getenv("CERTHERD_SIMULATION");
    return value && std::string(value) == "full";
  }();
  return is_full;
}

Story story() {
  Story story;
  story.certificates = full() ? 10'000 : 240;
  story.length = full() ? 120 * day : 30 * day;
  return story;
}

/// Whether in every stretch of time there are at most `amount` and what is refilled in it. For all stretches at once:
/// j - i + 1 <= amount + (t[j] - t[i]) * rate  is  (j - t[j] * rate) - (i - t[i] * rate) < amount.
bool within(std::vector<TimePoint> times, int amount, Seconds per) {
  std::sort(times.begin(), times.end());
  double least = 1e300;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double level = static_cast<double>(i) - std::chrono::duration<double>(times[i] - times[0]) /
                                                      std::chrono::duration<double>(per) * amount;
    least = std::min(least, level);
    if (level - least + 1 > amount + 1e-6) return false;
  }
  return true;
}

/// What must hold whatever happened.
void check_all(const Happened& happened) {
  CHECK(happened.expired == 0);
  CHECK(happened.missing == 0);
  CHECK(happened.early == 0);
  CHECK(happened.overlapping == 0);
  CHECK(happened.most_running <= Fleet::most_parallel);
  std::map<std::string, int> kinds;
  for (const auto& [key, times] : happened.counted) {
    CAPTURE(key);
    ++kinds[key.substr(0, key.find(' '))];
    if (key.starts_with("new_orders ")) CHECK(within(times, 300, 3h));
    if (key.starts_with("registered_domain ")) CHECK(within(times, 50, 7 * day));
    if (key.starts_with("exact_set ")) CHECK(within(times, 5, 7 * day));
    if (key.starts_with("failed_validations ")) CHECK(within(times, 5, 1h));
  }
  CHECK(kinds["exact_set"] > 0);
  // No storm: never more starts in a stretch of time than the ramp gives.
  CHECK(within(happened.starts, 4, 1s));
}

/// The busiest stretch, against the mean; long enough that chance alone does not decide (an hour for ten thousand).
double peak(const Happened& happened, Seconds length) {
  const double total = static_cast<double>(happened.starts.size());
  const auto stretch =
      Seconds(std::max<long long>(3600, static_cast<long long>(45.0 * static_cast<double>(length.count()) / total)));
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < happened.starts.size(); ++last) {
    while (happened.starts[last] - happened.starts[first] >= stretch) ++first;
    most = std::max(most, last - first + 1);
  }
  return static_cast<double>(most) /
         (total * static_cast<double>(stretch.count()) / static_cast<double>(length.count()));
}

Seconds latest(const Happened& happened) {
  return happened.late.empty() ? 0s : *std::max_element(happened.late.begin(), happened.late.end());
}

void tell(const std::string& what, const Happened& happened, Seconds length) {
  MESSAGE(what << ": " << happened.published << " published, " << happened.failures << " failed attempts, latest start "
               << latest(happened).count() << " s, most at a time " << happened.most_running << ", busiest hour "
               << peak(happened, length) << " times the mean");
}

}  // namespace

TEST_SUITE("renewal/simulation") {
  TEST_CASE("the check itself: a stretch of time with one too many is found") {
    CHECK(within({now, now, now + 1h, now + 2h}, 2, 2h));
    CHECK_FALSE(within({now, now, now}, 2, 2h));
    CHECK_FALSE(within({now, now, now + 59min}, 2, 2h));
    CHECK_FALSE(within({now, now + 90min, now + 91min, now + 92min, now + 93min}, 2, 2h));
    CHECK(within({}, 2, 2h));
  }

  TEST_CASE("all is well: each at its moment, the load even") {
    const Story quiet = story();
    const auto happened = Fleet(quiet).run();
    tell("quiet", happened, quiet.length);
    check_all(happened);
    CHECK(happened.failures == 0);
    CHECK(latest(happened) <= 15min);
    CHECK(peak(happened, quiet.length) < 3);
    CHECK(happened.published > quiet.certificates * (full() ? 8 : 3));
  }

  TEST_CASE("windows of the CA, changes of the configuration, a revocation") {
    Story busy = story();
    busy.ari = true;
    busy.changes_a_day = busy.certificates / 100;
    busy.revocation = 20 * day + 5h;
    const auto happened = Fleet(busy).run();
    tell("windows", happened, busy.length);
    check_all(happened);
    CHECK(latest(happened) <= 15min);
    CHECK(peak(happened, busy.length) < 5);  // the revocation's hours among them
    CHECK(happened.revoked_for.size() >= static_cast<std::size_t>(busy.certificates) / 50);
    CHECK(*std::max_element(happened.revoked_for.begin(), happened.revoked_for.end()) <= 6h + 30min);
  }

  TEST_CASE("failures: nonces, validations, a CA that is away for half a day") {
    Story rough = story();
    rough.ari = true;
    rough.transient = 0.2;
    rough.bad_validation = 0.05;
    rough.outages = {{10 * day, 12h}, {25 * day, 3h}};
    const auto happened = Fleet(rough).run();
    tell("failures", happened, rough.length);
    check_all(happened);
    CHECK(happened.failures > happened.published / 10);
    CHECK(peak(happened, rough.length) < 6);  // those after the outages
  }

  TEST_CASE("the wall clock a year ahead, a year behind, a second off; the host suspended for a day and a half") {
    Story odd = story();
    odd.ari = true;
    odd.transient = 0.05;
    odd.bad_validation = 0.02;
    odd.clock_steps = {{5 * day, 7h, 365 * day}, {12 * day, 20h, -365 * day}, {17 * day, 1h, -1s}};
    odd.suspends = {{20 * day + 40s, 36h}};
    const auto happened = Fleet(odd).run();
    tell("clocks", happened, odd.length);
    check_all(happened);
    CHECK(latest(happened) <= 40h);
  }

  TEST_CASE("nothing is there: as fast as the CA's limits allow, and not faster") {
    Story first = story();
    first.certificates = full() ? 10'000 : 1000;
    first.missing_at_start = true;
    first.length = full() ? 6 * day : 12h;
    const auto happened = Fleet(first).run();
    tell("first issue", happened, first.length);
    check_all(happened);
    // 300 at once and 100 an hour: 10,000 take 97 hours, and 1,000 take 7.
    const auto in_time = std::count_if(happened.starts.begin(), happened.starts.end(), [&](TimePoint at) {
      return at - happened.starts.front() < (full() ? 99h : 8h);
    });
    CHECK(in_time >= first.certificates);
  }
}
