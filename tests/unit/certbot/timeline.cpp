#include "transcripts.hpp"

#include <certherd/base/text.hpp>

#include <ostream>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::certbot;
using enum Phase;

namespace {

constexpr TimePoint spawned{std::chrono::seconds(1'795'471'334)};

std::string phases_of(const Tracker& tracker) {
  std::vector<std::string> names;
  for (const auto& span : tracker.timeline().spans)
    names.push_back(std::string(to_string(span.phase)) + (span.failed ? "!" : ""));
  return join(names, " ");
}

std::string recorded_phases(const std::string& version, const std::string& name) {
  return phases_of(transcripts::follow(transcripts::one(version, name)));
}

LogRecord record(Milliseconds after, std::string logger, std::string message, std::string level = "DEBUG") {
  return {spawned + after, std::move(level), std::move(logger), std::move(message)};
}

LogRecord said(Milliseconds after, const std::string& text) {
  return record(after, "certbot._internal.auth_handler", text, "INFO");
}

/// A tracker that has come as far as the plugin, at 4 s.
Tracker provisioning(Tracker::PhaseCallback callback = {}) {
  Tracker tracker(spawned, std::move(callback));
  tracker.feed(record(Seconds(1), "acme.client", "Sending GET request to https://ca.example/dir."));
  tracker.feed(
      record(Seconds(2), "certbot._internal.display.obj", "Notifying user: Requesting a certificate for a.example"));
  tracker.feed(said(Seconds(3), "Performing the following challenges:"));
  tracker.feed(said(Seconds(4), "dns-01 challenge for a.example"));
  return tracker;
}

const std::string every_phase =
    "startup account order challenge provision propagation notify validation cleanup finalize save";

}  // namespace

TEST_SUITE("certbot/timeline") {
  TEST_CASE("a new certificate passes through every phase, whatever the version") {
    for (const std::string version : {"2.1.0", "4.0.0", "5.3-handmade", "5.5.0"}) {
      CAPTURE(version);
      CHECK(recorded_phases(version, "success-two-names") == every_phase);
      CHECK(recorded_phases(version, "success-renewal") == every_phase);
    }
  }

  TEST_CASE("valid authorizations leave out what did not happen") {
    CHECK(recorded_phases("2.1.0", "success-valid-authorizations") == "startup account order finalize save");
    CHECK(recorded_phases("5.5.0", "success-valid-authorizations") == "startup account order finalize save");
    CHECK(recorded_phases("4.0.0", "success-one-of-two-valid") == every_phase);
  }

  TEST_CASE("a registration and a certificate that is not due end early") {
    CHECK(recorded_phases("2.1.0", "register-success") == "startup account");
    CHECK(recorded_phases("2.1.0", "not-yet-due") == "startup account");
  }

  TEST_CASE("the failing phase is marked, cleaning up after it is not") {
    CHECK(recorded_phases("2.1.0", "provider-scope-refused") == "startup account order challenge provision! cleanup");
    CHECK(recorded_phases("2.1.0", "txt-missing") ==
          "startup account order challenge provision propagation notify validation! cleanup");
    CHECK(recorded_phases("2.1.0", "sigterm-in-wait") ==
          "startup account order challenge provision propagation! cleanup");
    CHECK(recorded_phases("2.1.0", "caa-refused-finalize") ==
          "startup account order challenge provision propagation notify validation cleanup finalize!");
    CHECK(recorded_phases("2.1.0", "rate-limited-seconds") == "startup account order!");
    CHECK(recorded_phases("2.1.0", "plugin-broken") == "startup!");
  }

  TEST_CASE("durations are those of the log") {
    const Tracker tracker = transcripts::follow(transcripts::one("2.1.0", "success-propagation-3"));
    const PhaseTimeline timeline = tracker.timeline();
    CHECK(timeline.total(propagation) >= Milliseconds(3000));
    CHECK(timeline.total(propagation) < Milliseconds(3200));
    CHECK(timeline.total(validation) >= Milliseconds(1000));  // certbot sleeps a second before it polls
    CHECK(tracker.facts().announced == Seconds(3));
  }

  TEST_CASE("pieces of any size give the same timeline, while it is followed live") {
    const auto transcript = transcripts::one("4.0.0", "success-two-names");
    const auto whole = transcripts::follow(transcript, transcript.log.size());
    for (const std::size_t step : {1U, 7U, 100U, 5000U})
      CHECK(transcripts::follow(transcript, step).timeline().spans == whole.timeline().spans);
  }

  TEST_CASE("without a log there is one phase, from spawn to exit") {
    Tracker tracker(spawned);
    tracker.finish(spawned + Seconds(2), false);
    const PhaseTimeline timeline = tracker.timeline();
    CHECK(timeline.spans == std::vector<Span>{{startup, spawned, Milliseconds(2000), false}});
    CHECK_FALSE(tracker.facts().any);
  }

  TEST_CASE("each phase is announced when it begins, propagation with its wait") {
    std::vector<std::string> heard;
    Tracker tracker = provisioning([&](Phase phase, TimePoint time, std::optional<Seconds> announced) {
      heard.push_back(std::string(to_string(phase)) + "@" +
                      std::to_string(std::chrono::duration_cast<Seconds>(time - spawned).count()) +
                      (announced ? " for " + format_duration(*announced) : ""));
    });
    tracker.feed(record(Seconds(5), "certbot._internal.display.obj",
                        "Notifying user: Waiting 30 seconds for DNS changes to propagate"));
    CHECK(heard == std::vector<std::string>{"startup@0", "account@1", "order@2", "challenge@3", "provision@4",
                                            "propagation@5 for 30s"});
  }

  TEST_CASE("a record whose lines are still arriving moves the phase, once") {
    int begun = 0;
    Tracker tracker = provisioning([&](Phase, TimePoint, std::optional<Seconds>) { ++begun; });
    const auto payload = record(Seconds(9), "acme.client", "JWS payload:\nb'{}'");
    begun = 0;
    tracker.preview(payload);
    tracker.preview(payload);
    tracker.feed(payload);
    CHECK(begun == 1);
    CHECK(tracker.phase() == notify);
  }

  TEST_CASE("provision begins once every challenge is named") {
    Tracker tracker = provisioning();
    tracker.feed(said(Seconds(5), "dns-01 challenge for b.example"));
    tracker.feed(record(Seconds(6), "certbot_dns_x", "adding"));
    tracker.feed(said(Seconds(7), "dns-01 challenge for c.example"));
    tracker.finish(spawned + Seconds(9), false);
    CHECK(tracker.timeline().total(challenge) == Milliseconds(2000));
    CHECK(tracker.timeline().total(provision) == Milliseconds(4000));
  }

  TEST_CASE("a plugin that waits in its own way stays in provision until the CA is told") {
    Tracker tracker = provisioning();
    tracker.feed(record(Seconds(60), "acme.client", "JWS payload:\nb'{}'"));
    tracker.feed(said(Seconds(61), "Waiting for verification..."));
    tracker.finish(spawned + Seconds(62), false);
    CHECK(phases_of(tracker) == "startup account order challenge provision notify validation");
    CHECK(tracker.timeline().total(provision) == Milliseconds(56'000));
    CHECK_FALSE(tracker.facts().announced);
  }

  TEST_CASE("a clock that steps back makes no negative span and no gap") {
    Tracker tracker = provisioning();
    tracker.feed(record(Seconds(-3600), "acme.client", "JWS payload:\nb'{}'"));
    tracker.feed(said(Seconds(-3599), "Waiting for verification..."));
    tracker.finish(spawned - Seconds(3598), false);
    const PhaseTimeline timeline = tracker.timeline();
    CHECK(timeline.total(startup) == Milliseconds(1000));
    CHECK(timeline.total(validation) == Milliseconds(0));
    CHECK(timeline.longest_gap() == Milliseconds(0));
    for (const auto& span : timeline.spans) CHECK(span.duration >= Milliseconds(0));
  }

  TEST_CASE("a certbot that cleans up, finalizes or saves must not be ended") {
    Tracker tracker = provisioning();
    CHECK_FALSE(tracker.past_cleanup());
    tracker.preview(said(Seconds(5), "Cleaning up challenges"));
    CHECK(tracker.past_cleanup());
    const Tracker valid = transcripts::follow(transcripts::one("2.1.0", "success-valid-authorizations"));
    CHECK(valid.past_cleanup());
  }

  TEST_CASE("the order, its authorizations and their tokens are kept") {
    const Tracker tracker = transcripts::follow(transcripts::one("2.1.0", "success-two-names"));
    const LogFacts& facts = tracker.facts();
    CHECK(facts.certbot_version == "2.1.0");
    CHECK(facts.order_url.starts_with("https://localhost:14000/my-order/"));
    CHECK(facts.finalize_url.starts_with("https://localhost:14000/finalize-order/"));
    CHECK(facts.directory.at("newOrder") == "https://localhost:14000/order-plz");
    CHECK(facts.identifiers.size() == 2);
    REQUIRE(facts.authorizations.size() == 2);
    for (const auto& authorization : facts.authorizations) {
      CHECK(authorization.url.starts_with("https://localhost:14000/authZ/"));
      CHECK(authorization.domain == "example.test");
      CHECK(authorization.status == "valid");
      CHECK(authorization.challenge_url.starts_with("https://localhost:14000/chalZ/"));
      CHECK(authorization.token.size() == 43);
    }
    CHECK(facts.authorizations[0].wildcard != facts.authorizations[1].wildcard);
    CHECK(facts.authorizations[0].token != facts.authorizations[1].token);
    CHECK(facts.saved_at == "/var/lib/certherd/certbot/example.test/config/live/example.test/fullchain.pem");
    REQUIRE(facts.skew);
    CHECK(std::chrono::abs(*facts.skew) < Seconds(2));
  }

  TEST_CASE("a second lineage shows in the path") {
    const Tracker tracker = transcripts::follow(transcripts::one("2.1.0", "success-other-lineage-broken-file"));
    CHECK(tracker.facts().saved_at ==
          "/var/lib/certherd/certbot/example.test/config/live/example.test-0001/fullchain.pem");
  }

  TEST_CASE("a nonce that was refused once is forgotten") {
    const Tracker tracker = transcripts::follow(transcripts::one("2.1.0", "success-bad-nonce-once"));
    CHECK_FALSE(tracker.facts().problem);
    CHECK(phases_of(tracker) == every_phase);
  }

  TEST_CASE("Retry-After in seconds, as a date by the CA's clock, in the CA's words, or not at all") {
    const auto wait = [](const std::string& name) {
      return transcripts::follow(transcripts::one("2.1.0", name)).facts().retry_after;
    };
    CHECK(wait("rate-limited-seconds") == Seconds(3600));
    CHECK(wait("rate-limited-finalize") == Seconds(120));
    CHECK(wait("rate-limited-http-date") > Seconds(0));
    CHECK(wait("rate-limited-http-date") < Seconds(86'400));
    CHECK(wait("rate-limited-no-header") > Seconds(0));
    CHECK(wait("rate-limited-no-header") < Seconds(86'400));
    CHECK_FALSE(wait("ca-rejected-identifier"));
    CHECK_FALSE(wait("success-two-names"));
  }

  TEST_CASE("an answer whose body is no JSON or cut short is only a status") {
    for (const std::string body : {"<html>503</html>", "{\"type\": \"urn:ietf:par", "[1]", "\"text\"", ""}) {
      CAPTURE(body);
      Tracker tracker(spawned);
      tracker.feed(record(Seconds(1), "acme.client", "Sending POST request to https://ca.example/order:\n{}"));
      tracker.feed(
          record(Seconds(1), "acme.client", "Received response:\nHTTP 503\nRetry-After: 60\nnonsense\n\n" + body));
      CHECK_FALSE(tracker.facts().problem);
      REQUIRE(tracker.facts().exchange);
      CHECK(tracker.facts().exchange->status == 503);
      CHECK(tracker.facts().retry_after == Seconds(60));
    }
  }

  TEST_CASE("documents with unexpected types are not believed") {
    Tracker tracker(spawned);
    tracker.feed(record(Seconds(1), "acme.client", "Sending POST request to https://ca.example/order:\n{}"));
    tracker.feed(record(Seconds(1), "acme.client",
                        "Received response:\nHTTP 201\n\n{\"status\": 1, \"finalize\": {}, \"authorizations\": 2, "
                        "\"identifiers\": [null, {\"value\": 3}], \"error\": \"x\"}"));
    tracker.feed(
        record(Seconds(1), "acme.client",
               "Received response:\nHTTP 200\n\n{\"identifier\": [], \"challenges\": [1, {\"type\": \"dns-01\"}], "
               "\"wildcard\": \"yes\"}"));
    CHECK(tracker.facts().finalize_url == "");
    REQUIRE(tracker.facts().authorizations.size() == 1);
    CHECK(tracker.facts().authorizations[0].token == "");
    CHECK_FALSE(tracker.facts().authorizations[0].wildcard);
  }
}
