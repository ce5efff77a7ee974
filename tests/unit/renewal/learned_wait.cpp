#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/learned_wait.hpp>

#include <algorithm>

using namespace certherd;
using renewal::learn_wait;
using Sequel = WaitSample::Sequel;

namespace {

constexpr Seconds ten{10};

/// One whose records all servers had after so long, and the CA too; the wait was ended half a second later.
WaitSample seen_after(Milliseconds slowest) {
  WaitSample sample;
  sample.slowest = slowest;
  sample.waited = slowest + Milliseconds(500);
  sample.ended = true;
  return sample;
}

/// One whose records the CA did not find, while a server lagged throughout.
WaitSample missed_after(Milliseconds waited) {
  WaitSample sample;
  sample.when = TimePoint(Seconds(1'700'000'000));
  sample.slowest = Milliseconds(100);
  sample.waited = waited;
  sample.lagged = true;
  sample.sequel = Sequel::missed;
  return sample;
}

std::vector<WaitSample> times(std::size_t count, const WaitSample& sample) {
  return std::vector<WaitSample>(count, sample);
}

/// The newer ones first.
std::vector<WaitSample> then(std::vector<WaitSample> older, const std::vector<WaitSample>& newer) {
  older.insert(older.begin(), newer.begin(), newer.end());
  return older;
}

}  // namespace

TEST_SUITE("renewal/learned_wait") {
  TEST_CASE("the provider's default until five runs have shown anything") {
    CHECK(learn_wait({}, ten).seconds == ten);
    CHECK(learn_wait(times(4, seen_after(Seconds(30))), ten).seconds == ten);
    CHECK(learn_wait(times(5, seen_after(Seconds(30))), ten).seconds == Seconds(38));
    const auto learned = learn_wait(times(4, seen_after(Seconds(30))), ten);
    REQUIRE(learned.because.size() == 1);
    CHECK(learned.because[0].fact ==
          "only 4 of the 5 runs that it takes have shown how long this account's name servers need: the provider's "
          "10 s");
    // Those whose servers could not be asked show nothing.
    CHECK(learn_wait(times(50, WaitSample{}), ten).seconds == ten);
  }

  TEST_CASE("the slowest server of 95 % of the last 50, a quarter more, and at least two seconds more") {
    const auto quick = times(48, seen_after(Seconds(20)));
    const auto odd = learn_wait(then(quick, times(2, seen_after(Seconds(300)))), ten);
    CHECK(odd.seconds == Seconds(25));
    CHECK(odd.because[0].fact ==
          "in 95 % of the last 50 runs of this account the slowest name server had the records within 20.0 s; with a "
          "margin of 5.0 s that is 25.0 s");
    CHECK(learn_wait(then(quick, times(3, seen_after(Seconds(300)))), ten).seconds == Seconds(375));
    // Three of 51 are older than the last 50.
    CHECK(learn_wait(then(times(3, seen_after(Seconds(300))), quick), ten).seconds == Seconds(25));
    CHECK(learn_wait(times(5, seen_after(Milliseconds(4'100))), ten).seconds == Seconds(7));
  }

  TEST_CASE("never below the floor nor above the ceiling, which a slow provider raises") {
    const auto quick = learn_wait(times(5, seen_after(Milliseconds(20))), ten);
    CHECK(quick.seconds == Seconds(5));
    CHECK(quick.because.back().fact == "it is never shorter than 5 s");
    const auto slow = learn_wait(times(5, seen_after(Seconds(590))), ten);
    CHECK(slow.seconds == Seconds(600));
    CHECK(slow.because.back().fact == "it is never longer than 600 s");
    CHECK(learn_wait(times(5, seen_after(Seconds(590))), Seconds(3600)).seconds == Seconds(738));
    CHECK(learn_wait({}, Seconds(3600)).seconds == Seconds(3600));
  }

  TEST_CASE("doubled after each failure, up to the ceiling") {
    CHECK(learn_wait({missed_after(ten)}, ten).seconds == Seconds(20));
    const auto learned = learn_wait({missed_after(Seconds(20)), missed_after(ten)}, ten);
    CHECK(learned.seconds == Seconds(40));
    REQUIRE(learned.because.size() == 2);
    CHECK(learned.because[1].fact == "doubled to 40.0 s, since the CA found no record");
    CHECK(learned.because[1].when == missed_after(ten).when);
    CHECK(learn_wait({missed_after(Seconds(500))}, ten).seconds == Seconds(600));
    // Twice nothing would be nothing.
    CHECK(learn_wait({missed_after(Seconds(0))}, Seconds(0)).seconds == Seconds(5));
  }

  TEST_CASE("and decays with each run that goes well, down to what the servers need") {
    const auto failed = times(1, missed_after(Seconds(40)));
    Seconds before = learn_wait(failed, ten).seconds;
    CHECK(before == Seconds(80));
    for (std::size_t good = 1; good < 49; ++good) {
      CAPTURE(good);
      const auto learned = learn_wait(then(failed, times(good, seen_after(Seconds(8)))), ten);
      CHECK(learned.seconds <= before);
      before = learned.seconds;
    }
    CHECK(before == ten);
    const auto once = learn_wait(then(failed, times(1, seen_after(Seconds(8)))), ten);
    CHECK(once.seconds == Seconds(72));
    CHECK(once.because.back().fact == "doubled to 80.0 s, by now 72.0 s, since the CA found no record");
    // What failed for another reason proves nothing.
    WaitSample other = seen_after(Seconds(8));
    other.sequel = Sequel::other;
    CHECK(learn_wait(then(failed, times(9, other)), ten).seconds == Seconds(80));
  }

  TEST_CASE("a server that never has it, with a CA that does not mind, leaves the wait where it is") {
    for (const Seconds waited : {Seconds(6), Seconds(30), Seconds(120)}) {
      CAPTURE(waited.count());
      WaitSample lagging;
      lagging.slowest = Milliseconds(300);
      lagging.waited = waited;
      lagging.lagged = true;
      CHECK(learn_wait(times(20, lagging), ten).seconds == waited);
    }
  }

  TEST_CASE("a wait that the CA found too short though every server had it is not ended so early again") {
    CHECK(learn_wait(times(9, seen_after(Seconds(3))), ten).not_ended_before == Milliseconds(0));
    CHECK(learn_wait({missed_after(ten)}, ten).not_ended_before == Milliseconds(0));
    WaitSample anycast = seen_after(Seconds(3));
    anycast.sequel = Sequel::missed;
    const auto learned = learn_wait({anycast}, ten);
    CHECK(learned.not_ended_before == Seconds(7));
    REQUIRE(learned.because_not_ended.size() == 1);
    CHECK(learned.because_not_ended[0].fact ==
          "the wait is not ended before 7.0 s: the CA found no record although every name server had it here");
    CHECK(learned.seconds >= std::chrono::ceil<Seconds>(learned.not_ended_before));
    const auto later = learn_wait(then({anycast}, times(40, seen_after(Seconds(3)))), ten);
    CHECK(later.not_ended_before > Milliseconds(4'500));
    CHECK(later.not_ended_before < Milliseconds(5'000));
    CHECK(later.because_not_ended[0].fact.find(", by now 4.") != std::string::npos);
  }
}
