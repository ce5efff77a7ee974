#include <ostream>

#include <doctest/doctest.h>
#include <certherd/model/failure.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/model/version.hpp>
#include <certherd/model/zones.hpp>

#include <set>

using namespace certherd;

TEST_SUITE("model/words") {
  TEST_CASE("phases, classes and outcomes are read as they are written") {
    for (int i = 0; i <= static_cast<int>(Phase::hooks); ++i) {
      const auto phase = static_cast<Phase>(i);
      CHECK(parse_phase(to_string(phase)) == phase);
    }
    CHECK(to_string(Phase::hooks) == "hooks");
    for (const auto& row : all_failure_traits()) {
      CHECK(parse_failure_class(row.name) == row.failure_class);
      CHECK(&traits(row.failure_class) == &row);
      CHECK_FALSE(row.meaning.empty());
      CHECK_FALSE(row.fix.empty());
      CHECK(row.retry == row.retry_after.has_value());
    }
    CHECK(to_string(FailureClass::interrupted) == "interrupted");
    for (const auto outcome :
         {Outcome::deployed, Outcome::deployed_hook_failed, Outcome::failed, Outcome::blocked, Outcome::interrupted})
      CHECK(parse_outcome(to_string(outcome)) == outcome);
    for (int i = 0; i <= static_cast<int>(RateLimit::Kind::failed_validations); ++i) {
      const auto kind = static_cast<RateLimit::Kind>(i);
      CHECK(parse_rate_limit(to_string(kind)) == kind);
    }
    CHECK(to_string(RateLimit::Kind::failed_validations) == "failed_validations");
    CHECK_FALSE(parse_rate_limit("new_order"));
    CHECK_FALSE(parse_phase("nope"));
    CHECK_FALSE(parse_failure_class(""));
    CHECK_FALSE(parse_outcome("done"));
  }

  TEST_CASE("actors are read as they are written, colons in a label included") {
    const Actor user{Actor::Kind::user, "0", "root"};
    CHECK(to_string(user) == "user:0:root");
    const auto token = parse_actor("token:7:ci:main");
    REQUIRE(token);
    CHECK(token->id == "7");
    CHECK(token->label == "ci:main");
    CHECK(to_string(*token) == "token:7:ci:main");
    CHECK(parse_actor("scheduler")->kind == Actor::Kind::scheduler);
    for (const char* text : {"", "user", "user:0", "nobody:1:x", "scheduler:1:x"}) CHECK_FALSE(parse_actor(text));
  }

  TEST_CASE("versions compare by number") {
    CHECK(parse_version("2.1.0") == Version{2, 1, 0});
    CHECK(parse_version("2.1") == Version{2, 1, 0});
    CHECK(parse_version("5.7.0.dev0") == Version{5, 7, 0});
    CHECK(*parse_version("2.10.0") > *parse_version("2.9.9"));
    CHECK(to_string(Version{4, 0, 0}) == "4.0.0");
    for (const char* text : {"", "x", "2", "-1.2"}) CHECK_FALSE(parse_version(text));
  }

  TEST_CASE("a zone covers itself and what is below it, label by label") {
    CHECK(zone_covers("example.com", "example.com"));
    CHECK(zone_covers("example.com", "*.example.com"));
    CHECK(zone_covers("example.com", "a.b.example.com"));
    CHECK_FALSE(zone_covers("example.com", "notexample.com"));
    CHECK_FALSE(zone_covers("a.example.com", "example.com"));
    CHECK_FALSE(zone_covers("", "example.com"));
    const std::vector<std::string> zones{"example.com", "internal.example.com", "org"};
    CHECK(most_specific_zone(zones, "x.internal.example.com") == "internal.example.com");
    CHECK(most_specific_zone(zones, "x.example.com") == "example.com");
    CHECK_FALSE(most_specific_zone(zones, "example.net"));
    CHECK(challenge_name("*.example.com") == challenge_name("example.com"));
    CHECK(challenge_name("example.com") == "_acme-challenge.example.com");
  }

  TEST_CASE("a timeline knows its sums, its ends and its longest gap") {
    const TimePoint start{Seconds(100)};
    PhaseTimeline timeline{{{Phase::account, start, Milliseconds(10), false},
                            {Phase::startup, start + Milliseconds(10), Milliseconds(500), false},
                            {Phase::account, start + Milliseconds(550), Milliseconds(20), true}}};
    CHECK(timeline.total(Phase::account) == Milliseconds(30));
    CHECK(timeline.total(Phase::hooks) == Milliseconds(0));
    CHECK(timeline.start() == start);
    CHECK(timeline.end() == start + Milliseconds(570));
    CHECK(timeline.longest_gap() == Milliseconds(40));
    CHECK_FALSE(PhaseTimeline{}.start());
    CHECK_FALSE(PhaseTimeline{}.end());
  }

  TEST_CASE("generations lie beside the default store and inside a moved one") {
    Paths paths;
    CHECK(paths.generations_dir() == "/var/lib/certherd/generations");
    paths.store_dir = "/srv/tls";
    CHECK(paths.generations_dir() == "/srv/tls/.generations");
  }
}
