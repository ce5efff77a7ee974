#include "transcripts.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/classify.hpp>

#include <ostream>
#include <random>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::certbot;

namespace {

std::optional<Failure> judged(const transcripts::Transcript& transcript, const Tracker& tracker) {
  const Ending ending{transcript.exit_code, transcript.signal, false,  false, false, tracker.failing_phase(),
                      tracker.facts(),      transcript.output, nullptr};
  return classify(ending);
}

}  // namespace

TEST_SUITE("certbot/recorded_runs") {
  TEST_CASE("every recorded run of certbot gets its class and phase, and a timeline without holes") {
    const auto all = transcripts::all();
    REQUIRE(all.size() > 100);
    for (const auto& transcript : all) {
      CAPTURE(transcript.version);
      CAPTURE(transcript.name);
      const Tracker tracker = transcripts::follow(transcript);
      const auto failure = judged(transcript, tracker);
      REQUIRE(failure.has_value() == transcript.expected_class.has_value());
      if (failure) {
        CAPTURE(failure->error);
        CHECK(to_string(failure->failure_class) == *transcript.expected_class);
        REQUIRE(failure->phase);
        CHECK(to_string(*failure->phase) == *transcript.expected_phase);
        CHECK_FALSE(failure->error.empty());
        CHECK_FALSE(contains(failure->error, "can't set attribute"));
        CHECK_FALSE(contains(failure->fix, "{"));
      }
      const PhaseTimeline timeline = tracker.timeline();
      CHECK(timeline.longest_gap() <= Milliseconds(50));
      CHECK(timeline.start() == transcript.spawned);
      CHECK(timeline.end() == transcript.exited);
      for (const auto& span : timeline.spans) {
        CHECK(span.duration >= Milliseconds(0));
        CHECK(span.failed == (failure && span.phase == failure->phase));
      }
    }
  }

  TEST_CASE("a damaged log is followed to the end all the same") {
    std::mt19937 random(20261123);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    for (const std::string name : {"success-two-names", "order-invalid-caa", "provider-auth-wrong-secret"}) {
      const auto whole = transcripts::one("2.1.0", name);
      for (int round = 0; round < 40; ++round) {
        auto damaged = whole;
        for (int wound = 0; wound < 5; ++wound) {
          const std::size_t at = below(damaged.log.size());
          if (wound % 2 == 0) {
            damaged.log.erase(at, below(2000));
          } else {
            damaged.log.replace(at, 1, std::string(below(50), static_cast<char>(below(256))));
          }
        }
        CAPTURE(round);
        const Tracker tracker = transcripts::follow(damaged);
        CHECK(judged(damaged, tracker).has_value() == (damaged.exit_code != 0));
        const PhaseTimeline timeline = tracker.timeline();
        CHECK(timeline.longest_gap() == Milliseconds(0));
        CHECK(timeline.start() == damaged.spawned);
        for (const auto& span : timeline.spans) CHECK(span.duration >= Milliseconds(0));
      }
    }
  }
}
