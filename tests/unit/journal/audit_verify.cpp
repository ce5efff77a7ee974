#include <ostream>

#include "sample_log.hpp"

using namespace certherd;
using namespace certherd::test;
using certherd::journal::AuditHead;
namespace fs = std::filesystem;

namespace {

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_SUITE("journal/audit_verify") {
  TEST_CASE("a log that nothing was done to") {
    const SampleLog log(5);
    CHECK(log.verdict() == "ok, 5 entries");
    CHECK(log.verdict(std::nullopt) == "ok, 5 entries");
    CHECK(log.head == head_of(log.lines().back()));
  }

  TEST_CASE("an empty log, and none") {
    const SampleLog log;
    CHECK(log.verdict() == "ok, 0 entries");
    fs::remove(log.path);
    CHECK(log.verdict() == "ok, 0 entries");
    CHECK(log.verdict(std::nullopt) == "ok, 0 entries");
  }

  TEST_CASE("tampering: a changed line") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines[2] = changed(lines[2], "scheduler", "user:0:me");
    log.write_lines(lines);
    CHECK(log.verdict() == "line 3: the line was changed: its text does not match its hash");
  }

  TEST_CASE("tampering: a changed line with its hash made right") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines[2] = forged("other", head_of(lines[1]));
    log.write_lines(lines);
    CHECK(log.verdict() == "line 4: entry 4 does not continue the one before it: either of them was replaced");
  }

  TEST_CASE("tampering: the last line changed with its hash made right") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines[4] = forged("other", head_of(lines[3]));
    log.write_lines(lines);
    CHECK(log.verdict() == "line 5: entry 5 is not the one that the database remembers: the log was rewritten");
  }

  TEST_CASE("tampering: a removed line") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines.erase(lines.begin() + 2);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 3: entry 3 is missing before entry 4: removed, or the lines are out of order");
  }

  TEST_CASE("tampering: the first lines removed") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines.erase(lines.begin(), lines.begin() + 2);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 1: entries 1 to 2 are missing before entry 3: removed, or the lines are out of order");
  }

  TEST_CASE("tampering: two lines in the wrong order") {
    const SampleLog log(5);
    auto lines = log.lines();
    std::swap(lines[1], lines[2]);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 2: entry 2 is missing before entry 3: removed, or the lines are out of order");
  }

  TEST_CASE("tampering: an inserted line") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines.insert(lines.begin() + 2, forged("inserted", head_of(lines[1])));
    log.write_lines(lines);
    CHECK(log.verdict() == "line 4: entry 3 stands after entry 3: inserted, repeated or out of order");
  }

  TEST_CASE("tampering: a repeated line") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines.insert(lines.begin() + 2, lines[1]);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 3: entry 2 stands after entry 2: inserted, repeated or out of order");
  }

  TEST_CASE("tampering: a line that is no entry") {
    const SampleLog log(3);
    auto lines = log.lines();
    for (const std::string other : {"hello", "", "{}", "{\"seq\":2}"}) {
      CAPTURE(other);
      auto spoilt = lines;
      spoilt.insert(spoilt.begin() + 1, other);
      log.write_lines(spoilt);
      CHECK(log.verdict() == "line 2: the line is not an audit entry");
    }
  }

  TEST_CASE("tampering: lines cut off at the end") {
    const SampleLog log(5);
    auto lines = log.lines();
    lines.resize(3);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 4: entries 4 to 5 are missing at the end: the database remembers entry 5");
    CHECK(log.verdict(std::nullopt) == "ok, 3 entries");
  }

  TEST_CASE("tampering: the whole file removed") {
    const SampleLog log(5);
    fs::remove(log.path);
    CHECK(log.verdict() == "line 1: entries 1 to 5 are missing at the end: the database remembers entry 5");
  }

  TEST_CASE("tampering: the whole log written anew") {
    const SampleLog log(3);
    Texts lines;
    AuditHead head;
    for (const auto* action : {"x", "y", "z", "more"}) {
      lines.push_back(forged(action, head));
      head = head_of(lines.back());
    }
    log.write_lines(lines);
    CHECK(log.verdict() == "line 3: entry 3 is not the one that the database remembers: the log was rewritten");
  }

  TEST_CASE("tampering: the end cut in the middle of a line") {
    const SampleLog log(3);
    const std::string text = log.content();
    log.write(text.substr(0, text.size() - 10));
    CHECK(log.verdict() == "line 3: the line is cut off; the next entry will record that, if a crash did it");
    log.write(text.substr(0, text.size() - 1));
    CHECK(log.verdict() == "line 3: the line is cut off; the next entry will record that, if a crash did it");
  }

  TEST_CASE("the log may be ahead of the database: a crash came between") {
    SampleLog log(3);
    const AuditHead known = log.head;
    REQUIRE(log.append("later"));
    CHECK(log.verdict(known) == "ok, 4 entries");
  }

  TEST_CASE("what was cut off stays visible when the log goes on") {
    SampleLog log(5);
    auto lines = log.lines();
    lines.resize(3);
    log.write_lines(lines);
    log.head = log.append("later").or_throw();
    CHECK(log.head.seq == 6);
    CHECK(log.verdict() == "line 4: entries 4 to 5 are missing before entry 6: removed, or the lines are out of order");
  }

  TEST_CASE("a log that was removed goes on with its numbers") {
    SampleLog log(5);
    fs::remove(log.path);
    log.head = log.append("later").or_throw();
    CHECK(log.verdict() == "line 1: entries 1 to 5 are missing before entry 6: removed, or the lines are out of order");
  }

  TEST_CASE("a last entry that was exchanged stays visible when the log goes on") {
    SampleLog log(3);
    auto lines = log.lines();
    lines[2] = forged("other", head_of(lines[1]));
    log.write_lines(lines);
    log.head = log.append("later").or_throw();
    CHECK(log.verdict() == "line 4: entry 4 does not continue the one before it: either of them was replaced");
  }

  TEST_CASE("a last line that is no entry stays visible when the log goes on") {
    SampleLog log(3);
    log.write(log.content() + "hello\n");
    log.head = log.append("later").or_throw();
    CHECK(log.head.seq == 4);
    CHECK(log.verdict() == "line 4: the line is not an audit entry");
  }

  TEST_CASE("tampering: a recorded half entry changed, removed or without its record") {
    SampleLog log(2);
    log.write(log.content() + "half");
    log.head = log.append("later").or_throw();
    const auto lines = log.lines();
    auto spoilt = lines;
    spoilt[2] = "hulf";
    log.write_lines(spoilt);
    CHECK(log.verdict() == "line 3: the line is not an audit entry");
    spoilt = lines;
    spoilt.erase(spoilt.begin() + 3);
    log.write_lines(spoilt);
    CHECK(log.verdict() == "line 3: the line is not an audit entry");
    spoilt = lines;
    spoilt.insert(spoilt.begin() + 2, "half");
    log.write_lines(spoilt);
    CHECK(log.verdict() == "line 3: the line is not an audit entry");
  }
}
