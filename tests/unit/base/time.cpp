#include <ostream>

#include <doctest/doctest.h>
#include <certherd/base/time.hpp>

using namespace certherd;

TEST_SUITE("base/time") {
  TEST_CASE("a time is written and read in UTC with milliseconds") {
    const TimePoint time{Milliseconds(1763934258123)};
    CHECK(format_utc(time) == "2025-11-23T21:44:18.123Z");
    CHECK(parse_utc("2025-11-23T21:44:18.123Z") == time);
    CHECK(parse_utc("2025-11-23T21:44:18Z") == TimePoint(Seconds(1763934258)));
    CHECK(format_utc_minutes(time) == "2025-11-23 21:44");
  }

  TEST_CASE("a time before 1970 keeps its milliseconds positive") {
    CHECK(format_utc(TimePoint(Milliseconds(-1))) == "1969-12-31T23:59:59.999Z");
  }

  TEST_CASE("what is no time is refused") {
    for (const char* text : {"", "2025-11-23", "2025-02-30T00:00:00Z", "2025-11-23T21:44:18", "2025-11-23T21:44:18.1Z",
                             "2025-11-23T21:44:18.12xZ", "2025-11-23T21:44:18Z ", "2025-11-23T25:00:00Z"})
      CHECK_MESSAGE(!parse_utc(text), text);
  }

  TEST_CASE("HTTP dates") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == TimePoint(Seconds(784111777)));
    CHECK_FALSE(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"));
    CHECK_FALSE(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT+1"));
    CHECK_FALSE(parse_http_date("Sun, 31 Feb 1994 08:49:37 GMT"));
    CHECK_FALSE(parse_http_date("Sun, 06 Foo 1994 08:49:37 GMT"));
    CHECK_FALSE(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"));
  }

  TEST_CASE("durations carry their unit") {
    CHECK(*parse_duration("30s") == Seconds(30));
    CHECK(*parse_duration("10m") == Seconds(600));
    CHECK(*parse_duration("2h") == Seconds(7200));
    CHECK(*parse_duration("5d") == Seconds(432000));
    CHECK(parse_duration("30").fault().text() ==
          "'30' is not a duration: the unit is missing; write a whole number and s, m, h or d: 30s, 10m, 2h, 5d");
    for (const char* text : {"", "s", "-5s", "1.5h", "05m", "5 m", "5w", "1e3s", "36501d", "99999999999999999d"})
      CHECK_MESSAGE(!parse_duration(text), text);
  }

  TEST_CASE("durations are written in the largest exact unit") {
    CHECK(format_duration(Seconds(0)) == "0s");
    CHECK(format_duration(Seconds(90)) == "90s");
    CHECK(format_duration(Seconds(120)) == "2m");
    CHECK(format_duration(Seconds(7200)) == "2h");
    CHECK(format_duration(Seconds(172800)) == "2d");
  }

  TEST_CASE("elapsed time for people") {
    CHECK(format_elapsed(Milliseconds(420)) == "0.4 s");
    CHECK(format_elapsed(Milliseconds(125000)) == "2 min 05 s");
    CHECK(format_elapsed(Milliseconds(12000000)) == "3 h 20 min");
    CHECK(format_elapsed(std::chrono::hours(24 * 61)) == "61 days");
  }
}
