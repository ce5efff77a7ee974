#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/clock.hpp>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using certherd::test::day;
using renewal::ClockWatch;

namespace {

const TimePoint start = *parse_utc("2026-11-23T12:00:00Z");

/// Both clocks, side by side.
struct Clocks {
  ClockWatch watch;
  TimePoint wall = start;
  ClockWatch::Monotonic monotonic = 5h;
  explicit Clocks(std::optional<TimePoint> last_known = {}) : watch(last_known) { watch.observe(wall, monotonic); }
  bool after(std::chrono::seconds time, std::chrono::milliseconds step = 0ms) {
    wall += time + step;
    monotonic += time;
    return watch.observe(wall, monotonic);
  }
};

}  // namespace

TEST_SUITE("renewal/clock") {
  TEST_CASE("time that passes is no step: a minute, a night suspended, a year") {
    Clocks clocks;
    for (const Seconds time : {Seconds(60), Seconds(10h), Seconds(365 * day)}) {
      CHECK_FALSE(clocks.after(time));
      CHECK_FALSE(clocks.watch.held());
    }
  }

  TEST_CASE("a leap second, NTP's corrections, even ones that add up to hours, are none") {
    Clocks clocks;
    CHECK_FALSE(clocks.after(60s, -1s));
    CHECK_FALSE(clocks.after(60s, 59min));
    for (int i = 0; i < 10'000; ++i) CHECK_FALSE(clocks.after(60s, -2s));
    CHECK_FALSE(clocks.watch.held());
  }

  TEST_CASE("a year forward or back: held from the observation that shows it until the CA confirms") {
    for (const auto step : {std::chrono::milliseconds(365 * day), -std::chrono::milliseconds(365 * day),
                            std::chrono::milliseconds(61min), -std::chrono::milliseconds(61min)}) {
      CAPTURE(step.count());
      Clocks clocks;
      CHECK(clocks.after(60s, step));
      CHECK(clocks.watch.held());
      CHECK(clocks.watch.step() == step);
      CHECK_FALSE(clocks.after(60s));  // told once
      CHECK(clocks.watch.held());
      CHECK_FALSE(clocks.watch.confirm(clocks.wall - step, clocks.wall));
      CHECK(clocks.watch.held());
      CHECK(clocks.watch.confirm(clocks.wall + 30min, clocks.wall));
      CHECK_FALSE(clocks.watch.held());
      CHECK(clocks.watch.step() == 0ms);
      CHECK_FALSE(clocks.after(60s));
      CHECK_FALSE(clocks.watch.held());
    }
  }

  TEST_CASE("a step that is undone needs no confirmation") {
    Clocks clocks;
    CHECK(clocks.after(60s, 365 * day));
    CHECK_FALSE(clocks.after(3600s, -365 * day));
    CHECK_FALSE(clocks.watch.held());
  }

  TEST_CASE("a clock that begins before a time that has passed was stepped back while nobody watched") {
    CHECK_FALSE(Clocks(start - 5 * day).watch.held());
    CHECK_FALSE(Clocks(start + 30min).watch.held());
    Clocks clocks(start + 5 * day);
    CHECK(clocks.watch.held());
    CHECK(clocks.watch.step() == -std::chrono::milliseconds(5 * day));
    CHECK_FALSE(clocks.after(60s));
    CHECK(clocks.watch.held());
    CHECK_FALSE(clocks.after(60s, 5 * day));  // set right
    CHECK_FALSE(clocks.watch.held());
  }
}
