#include <ostream>

#include <doctest/doctest.h>

#include "sample_database.hpp"

using namespace certherd;
using Sequel = WaitSample::Sequel;

namespace {

/// An Attempt that waited, of a Run that began so many seconds later than the first one.
Run waited_run(int second, Milliseconds wait) {
  Run run = test::sample_run("run-" + std::to_string(second), "example.com", second * 1000);
  Attempt& attempt = run.attempts.emplace_back();
  attempt.started = run.started;
  attempt.ended = run.started + Seconds(60);
  attempt.timeline.spans = {{Phase::startup, run.started, Milliseconds(500), false},
                            {Phase::propagation, run.started + Milliseconds(500), wait, false}};
  attempt.visibility = {{"ns1.example.com", "192.0.2.1:53", Milliseconds(100), ""},
                        {"ns2.example.com", "192.0.2.2:53", Milliseconds(8100), ""}};
  run.ended = attempt.ended;
  run.outcome = Outcome::deployed;
  return run;
}

}  // namespace

TEST_SUITE("journal/waits") {
  TEST_CASE("what an Attempt that waited teaches") {
    const test::SampleDatabase database;
    Run run = waited_run(1, Milliseconds(8600));
    run.attempts[0].wait_ended = Milliseconds(8600);
    database.save(run);
    const auto samples = database.journal->wait_samples("cloudflare", "cloudflare-main", 50);
    REQUIRE(samples.size() == 1);
    CHECK(samples[0].when == run.started);
    CHECK(samples[0].waited == Milliseconds(8600));
    CHECK(samples[0].slowest == Milliseconds(8100));
    CHECK_FALSE(samples[0].lagged);
    CHECK(samples[0].ended);
    CHECK(samples[0].sequel == Sequel::found);
  }

  TEST_CASE("a server that lagged, one that could not be asked, and how it went on") {
    const test::SampleDatabase database;
    Run missed = waited_run(1, Milliseconds(5000));
    missed.attempts[0].visibility[1].visible_after.reset();
    missed.attempts[0].failure = test::sample_failure();
    database.save(missed);
    Run silent = waited_run(2, Milliseconds(5000));
    silent.attempts[0].visibility[1] = {"ns2.example.com", "192.0.2.2:53", std::nullopt, "no answer within 1.5 s"};
    silent.attempts[0].failure = test::sample_failure();
    silent.attempts[0].failure->failure_class = FailureClass::rate_limited;
    database.save(silent);
    const auto samples = database.journal->wait_samples("cloudflare", "cloudflare-main", 50);
    REQUIRE(samples.size() == 2);
    CHECK_FALSE(samples[0].lagged);
    CHECK(samples[0].sequel == Sequel::other);
    CHECK(samples[0].slowest == Milliseconds(100));
    CHECK(samples[1].lagged);
    CHECK(samples[1].sequel == Sequel::missed);
    CHECK(samples[1].slowest == Milliseconds(100));
    CHECK_FALSE(samples[1].ended);
  }

  TEST_CASE("newest first and no more than wanted; of this account alone") {
    const test::SampleDatabase database;
    for (const int second : {3, 1, 2}) database.save(waited_run(second, Milliseconds(second)));
    Run other = waited_run(4, Milliseconds(4));
    other.account = "another";
    database.save(other);
    Run elsewhere = waited_run(5, Milliseconds(5));
    elsewhere.provider = "rfc2136";
    database.save(elsewhere);
    const auto samples = database.journal->wait_samples("cloudflare", "cloudflare-main", 2);
    REQUIRE(samples.size() == 2);
    CHECK(samples[0].waited == Milliseconds(3));
    CHECK(samples[1].waited == Milliseconds(2));
  }

  TEST_CASE("what tells nothing is left out: no wait, one that was cut off, one that nobody watched") {
    const test::SampleDatabase database;
    Run early = waited_run(1, Milliseconds(1));
    early.attempts[0].timeline.spans.pop_back();
    database.save(early);
    Run cut = waited_run(2, Milliseconds(2));
    cut.attempts[0].timeline.spans.back().failed = true;
    database.save(cut);
    Run unwatched = waited_run(3, Milliseconds(3));
    unwatched.attempts[0].visibility.clear();
    database.save(unwatched);
    CHECK(database.journal->wait_samples("cloudflare", "cloudflare-main", 50).empty());
    // Of that one the CA tells something.
    Run missed = waited_run(4, Milliseconds(4));
    missed.attempts[0].visibility.clear();
    missed.attempts[0].failure = test::sample_failure();
    database.save(missed);
    const auto samples = database.journal->wait_samples("cloudflare", "cloudflare-main", 50);
    REQUIRE(samples.size() == 1);
    CHECK_FALSE(samples[0].slowest);
    CHECK(samples[0].sequel == Sequel::missed);
  }
}
