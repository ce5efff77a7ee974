#include <certherd/certbot/log_record.hpp>

#include <ostream>
#include <vector>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::certbot;

namespace {

struct Heard {
  std::vector<LogRecord> records;
  std::vector<std::string> lines;
  LogParser parser{[this](const LogRecord& record) { records.push_back(record); },
                   [this](std::string_view line) { lines.emplace_back(line); }};
};

const std::string first = "2026-11-23 22:02:15,967:DEBUG:certbot._internal.main:certbot version: 2.1.0\n";
const std::string second = "2026-11-23 22:02:16,035:DEBUG:acme.client:Received response:\nHTTP 200\n\n{\n}\n";

}  // namespace

TEST_SUITE("certbot/log_record") {
  TEST_CASE("a record's time, level, logger and message") {
    const auto record = parse_record_start("2026-11-23 22:02:15,967:INFO:certbot_dns_x._internal.dns_x:a: b");
    REQUIRE(record);
    CHECK(format_utc(record->time) == "2026-11-23T22:02:15.967Z");
    CHECK(record->level == "INFO");
    CHECK(record->logger == "certbot_dns_x._internal.dns_x");
    CHECK(record->message == "a: b");
  }

  TEST_CASE("an empty message is one, a line that only looks like a record is none") {
    CHECK(parse_record_start("2026-11-23 22:02:15,967:INFO:root:")->message == "");
    for (const std::string line :
         {"", "HTTP 200", "2026-11-23 22:02:15,967", "2026-11-23 22:02:15,967:INFO",
          "2026-11-23 22:02:15,967:NOTICE:a:b", "2026-11-23 22:02:15,967:INFO:a", "2026-11-23 22:02:15,967:INFO::b",
          "2026-11-23 22:02:15,967:INFO:a b:c", "2026-11-23 22:02:15.967:INFO:a:b", "2026-13-23 22:02:15,967:INFO:a:b",
          "2026-02-30 22:02:15,967:INFO:a:b"}) {
      CAPTURE(line);
      CHECK_FALSE(parse_record_start(line));
    }
  }

  TEST_CASE("lines that begin no record continue the last one") {
    Heard heard;
    heard.parser.feed(first + second);
    CHECK(heard.records.size() == 1);
    REQUIRE(heard.parser.held());
    CHECK(heard.parser.held()->message == "Received response:\nHTTP 200\n\n{\n}");
    heard.parser.flush();
    REQUIRE(heard.records.size() == 2);
    CHECK(heard.records[1].message == "Received response:\nHTTP 200\n\n{\n}");
    CHECK_FALSE(heard.parser.held());
  }

  TEST_CASE("pieces of any size give the same records") {
    for (std::size_t step = 1; step < 40; ++step) {
      Heard heard;
      const std::string text = first + second;
      for (std::size_t at = 0; at < text.size(); at += step) heard.parser.feed(std::string_view(text).substr(at, step));
      heard.parser.flush();
      REQUIRE(heard.records.size() == 2);
      CHECK(heard.records[0].message == "certbot version: 2.1.0");
      CHECK(heard.records[1].message == "Received response:\nHTTP 200\n\n{\n}");
      CHECK(heard.lines.size() == 6);
    }
  }

  TEST_CASE("a last line without newline counts") {
    Heard heard;
    heard.parser.feed("2026-11-23 22:02:15,967:ERROR:root:the end");
    CHECK_FALSE(heard.parser.held());
    heard.parser.flush();
    REQUIRE(heard.records.size() == 1);
    CHECK(heard.records[0].message == "the end");
  }

  TEST_CASE("what comes before the first record belongs to none") {
    Heard heard;
    heard.parser.feed("rest of something\n" + first);
    heard.parser.flush();
    REQUIRE(heard.records.size() == 1);
    CHECK(heard.lines.front() == "rest of something");
  }

  TEST_CASE("an endless line is cut") {
    Heard heard;
    heard.parser.feed("2026-11-23 22:02:15,967:DEBUG:root:");
    for (int i = 0; i < 100; ++i) heard.parser.feed(std::string(10'000, 'x'));
    heard.parser.feed("\n" + first);
    heard.parser.flush();
    REQUIRE(heard.records.size() == 2);
    CHECK(heard.records[0].message.size() < 70'000);
    CHECK(heard.records[0].message.ends_with("x [cut]"));
  }

  TEST_CASE("an endless record is cut") {
    Heard heard;
    heard.parser.feed("2026-11-23 22:02:15,967:DEBUG:root:start\n");
    for (int i = 0; i < 1000; ++i) heard.parser.feed(std::string(1000, 'x') + "\n");
    heard.parser.flush();
    REQUIRE(heard.records.size() == 1);
    CHECK(heard.records[0].message.size() < LogParser::message_limit + 2000);
    CHECK(heard.records[0].message.ends_with("x [cut]"));
  }
}
