#include "transcripts.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/classify.hpp>

#include <ostream>

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
}
