#include <certherd/base/text.hpp>
#include <certherd/journal/audit_log.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <csignal>
#include <fstream>
#include <iterator>
#include <ostream>
#include <thread>

#include <doctest/doctest.h>

#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"
#include "samples.hpp"

using namespace certherd;
using journal::AuditEntry;
using journal::AuditHead;
using journal::AuditLog;
using journal::verify_audit;
using test::Texts;
namespace fs = std::filesystem;

namespace {

AuditEntry entry(const std::string& action) {
  AuditEntry entry;
  entry.time = test::at(0);
  entry.actor = "scheduler";
  entry.action = action;
  return entry;
}

/// A log with `count` entries "action-1" …, and means to spoil it.
struct Log {
  explicit Log(int count = 0) {
    auto log = AuditLog::open(path, head).or_throw();
    for (int i = 1; i <= count; ++i) head = log.append(entry("action-" + std::to_string(i))).or_throw();
  }

  std::string content() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
  Texts lines() const {
    Texts all = split(content(), '\n');
    all.pop_back();
    return all;
  }
  void write_lines(const Texts& lines) const {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    write(text);
  }
  Result<AuditHead> append(const std::string& action) {
    return AuditLog::open(path, head).or_throw().append(entry(action));
  }

  /// "ok, N entries" or "line N: problem".
  std::string verdict(const std::optional<AuditHead>& known) const {
    const auto verdict = verify_audit(path, known);
    CHECK(verdict.ok == verdict.problem.empty());
    if (verdict.ok) return "ok, " + std::to_string(verdict.entries) + " entries";
    return verdict.line ? "line " + std::to_string(*verdict.line) + ": " + verdict.problem : verdict.problem;
  }
  std::string verdict() const { return verdict(head); }

  test::TempDir dir;
  fs::path path = dir.path() / "log" / "audit.jsonl";
  AuditHead head;
};

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

/// A line whose own hash is right.
std::string forged(const std::string& action, const AuditHead& previous) {
  return journal::audit_line(entry(action), previous);
}

AuditHead head_of(const std::string& line) {
  const auto value = boost::json::parse(line);
  return {static_cast<std::uint64_t>(value.at("seq").as_int64()), std::string(value.at("hash").as_string())};
}

}  // namespace

TEST_SUITE("journal/audit_log") {
  TEST_CASE("a log that nothing was done to") {
    const Log log(5);
    CHECK(log.verdict() == "ok, 5 entries");
    CHECK(log.verdict(std::nullopt) == "ok, 5 entries");
    CHECK(log.head == head_of(log.lines().back()));
  }

  TEST_CASE("an empty log, and none") {
    const Log log;
    CHECK(log.verdict() == "ok, 0 entries");
    fs::remove(log.path);
    CHECK(log.verdict() == "ok, 0 entries");
    CHECK(log.verdict(std::nullopt) == "ok, 0 entries");
  }

  TEST_CASE("the file and its directory are not for everybody") {
    const auto mask = ::umask(022);
    const Log log(1);
    ::umask(mask);
    struct stat status {};
    REQUIRE(::stat(log.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    REQUIRE(::stat(log.path.parent_path().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0750);
  }

  TEST_CASE("tampering: a changed line") {
    const Log log(5);
    auto lines = log.lines();
    lines[2] = changed(lines[2], "scheduler", "user:0:me");
    log.write_lines(lines);
    CHECK(log.verdict() == "line 3: the line was changed: its text does not match its hash");
  }

  TEST_CASE("tampering: a changed line with its hash made right") {
    const Log log(5);
    auto lines = log.lines();
    lines[2] = forged("other", head_of(lines[1]));
    log.write_lines(lines);
    CHECK(log.verdict() == "line 4: entry 4 does not continue the one before it: either of them was replaced");
  }

  TEST_CASE("tampering: the last line changed with its hash made right") {
    const Log log(5);
    auto lines = log.lines();
    lines[4] = forged("other", head_of(lines[3]));
    log.write_lines(lines);
    CHECK(log.verdict() == "line 5: entry 5 is not the one that the database remembers: the log was rewritten");
  }

  TEST_CASE("tampering: a removed line") {
    const Log log(5);
    auto lines = log.lines();
    lines.erase(lines.begin() + 2);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 3: entry 3 is missing before entry 4: removed, or the lines are out of order");
  }

  TEST_CASE("tampering: the first lines removed") {
    const Log log(5);
    auto lines = log.lines();
    lines.erase(lines.begin(), lines.begin() + 2);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 1: entries 1 to 2 are missing before entry 3: removed, or the lines are out of order");
  }

  TEST_CASE("tampering: two lines in the wrong order") {
    const Log log(5);
    auto lines = log.lines();
    std::swap(lines[1], lines[2]);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 2: entry 2 is missing before entry 3: removed, or the lines are out of order");
  }

  TEST_CASE("tampering: an inserted line") {
    const Log log(5);
    auto lines = log.lines();
    lines.insert(lines.begin() + 2, forged("inserted", head_of(lines[1])));
    log.write_lines(lines);
    CHECK(log.verdict() == "line 4: entry 3 stands after entry 3: inserted, repeated or out of order");
  }

  TEST_CASE("tampering: a repeated line") {
    const Log log(5);
    auto lines = log.lines();
    lines.insert(lines.begin() + 2, lines[1]);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 3: entry 2 stands after entry 2: inserted, repeated or out of order");
  }

  TEST_CASE("tampering: a line that is no entry") {
    const Log log(3);
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
    const Log log(5);
    auto lines = log.lines();
    lines.resize(3);
    log.write_lines(lines);
    CHECK(log.verdict() == "line 4: entries 4 to 5 are missing at the end: the database remembers entry 5");
    CHECK(log.verdict(std::nullopt) == "ok, 3 entries");
  }

  TEST_CASE("tampering: the whole file removed") {
    const Log log(5);
    fs::remove(log.path);
    CHECK(log.verdict() == "line 1: entries 1 to 5 are missing at the end: the database remembers entry 5");
  }

  TEST_CASE("tampering: the whole log written anew") {
    const Log log(3);
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
    const Log log(3);
    const std::string text = log.content();
    log.write(text.substr(0, text.size() - 10));
    CHECK(log.verdict() == "line 3: the line is cut off; the next entry will record that, if a crash did it");
    log.write(text.substr(0, text.size() - 1));
    CHECK(log.verdict() == "line 3: the line is cut off; the next entry will record that, if a crash did it");
  }

  TEST_CASE("the log may be ahead of the database: a crash came between") {
    Log log(3);
    const AuditHead known = log.head;
    REQUIRE(log.append("later"));
    CHECK(log.verdict(known) == "ok, 4 entries");
  }

  TEST_CASE("what was cut off stays visible when the log goes on") {
    Log log(5);
    auto lines = log.lines();
    lines.resize(3);
    log.write_lines(lines);
    log.head = log.append("later").or_throw();
    CHECK(log.head.seq == 6);
    CHECK(log.verdict() == "line 4: entries 4 to 5 are missing before entry 6: removed, or the lines are out of order");
  }

  TEST_CASE("a log that was removed goes on with its numbers") {
    Log log(5);
    const AuditHead before = log.head;
    fs::remove(log.path);
    log.head = log.append("later").or_throw();
    CHECK(log.verdict() == "line 1: entries 1 to 5 are missing before entry 6: removed, or the lines are out of order");
    const auto rotated = verify_audit(log.path, log.head, before);
    CHECK(rotated.ok);
    CHECK(rotated.entries == 1);
  }

  TEST_CASE("a last entry that was exchanged stays visible when the log goes on") {
    Log log(3);
    auto lines = log.lines();
    lines[2] = forged("other", head_of(lines[1]));
    log.write_lines(lines);
    log.head = log.append("later").or_throw();
    CHECK(log.verdict() == "line 4: entry 4 does not continue the one before it: either of them was replaced");
  }

  TEST_CASE("a last line that is no entry stays visible when the log goes on") {
    Log log(3);
    log.write(log.content() + "hello\n");
    log.head = log.append("later").or_throw();
    CHECK(log.head.seq == 4);
    CHECK(log.verdict() == "line 4: the line is not an audit entry");
  }

  TEST_CASE("half an entry that a crash left is kept and recorded") {
    Log log(3);
    const std::string half = "{\"seq\":4,\"time\":\"2026";
    log.write(log.content() + half);
    log.head = log.append("later").or_throw();
    const auto lines = log.lines();
    REQUIRE(lines.size() == 6);
    CHECK(lines[3] == half);
    const auto recovered = boost::json::parse(lines[4]);
    CHECK(recovered.at("seq").as_int64() == 4);
    CHECK(recovered.at("action").as_string() == "recovered");
    CHECK(recovered.at("broken").at("bytes").as_int64() == static_cast<std::int64_t>(half.size()));
    CHECK(log.head.seq == 5);
    CHECK(log.verdict() == "ok, 5 entries");
  }

  TEST_CASE("half an entry at the very beginning") {
    Log log;
    log.write("{\"se");
    log.head = log.append("first").or_throw();
    CHECK(log.verdict() == "ok, 2 entries");
  }

  TEST_CASE("zeros at the end, as a file system may leave them after a power failure") {
    Log log(2);
    log.write(log.content() + std::string(4096, '\0'));
    log.head = log.append("later").or_throw();
    CHECK(log.verdict() == "ok, 4 entries");
  }

  TEST_CASE("tampering: a recorded half entry changed, removed or without its record") {
    Log log(2);
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

  TEST_CASE("entries of a megabyte, of any byte, and their tail") {
    Log log(1);
    auto big = entry("big");
    big.failure = test::sample_failure();
    for (int i = 0; i < 1 << 20; ++i) big.failure->error += static_cast<char>(i % 256);
    auto opened = AuditLog::open(log.path, log.head).or_throw();
    REQUIRE(opened.append(big));
    log.head = opened.append(entry("last")).or_throw();
    CHECK(log.verdict() == "ok, 3 entries");
    CHECK(Texts(journal::tail(log.path, 3).or_throw()) == log.lines());
  }

  TEST_CASE("appends by two processes and two threads of each keep the chain") {
    const Log log;
    constexpr int each = 25;
    const auto append_all = [&] {
      auto shared = AuditLog::open(log.path, std::nullopt).or_throw();
      const auto work = [&] {
        for (int i = 0; i < each; ++i) shared.append(entry("concurrent")).or_throw();
      };
      std::thread other(work);
      work();
      other.join();
    };
    const pid_t child = ::fork();
    if (child == 0) {
      append_all();
      ::_exit(0);
    }
    append_all();
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(log.verdict() == "ok, 100 entries");
  }

  TEST_CASE("an entry that does not fit is taken back whole") {
    Log log(2);
    const std::string before = log.content();
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{before.size() + 50, before.size() + 50};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      const auto head = log.append("too long");
      ::_exit(head.ok() || !head.fault().message.starts_with("cannot write to the audit log " + log.path.string()));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(log.content() == before);
    log.head = log.append("fits").or_throw();
    CHECK(log.verdict() == "ok, 3 entries");
  }

  TEST_CASE("a path that cannot be a log") {
    const test::TempDir dir;
    dir.write("file", "");
    const auto below = dir.path() / "file" / "audit.jsonl";
    CHECK(AuditLog::open(below, {}).fault().text() ==
          "cannot create the directory " + (dir.path() / "file").string() + ": Not a directory");
    CHECK(AuditLog::open(dir.path(), {}).fault().text() ==
          "cannot open the audit log " + dir.path().string() + ": Is a directory");
    CHECK(AuditLog::open("/dev/null", {}).fault().text() ==
          "the audit log /dev/null is not a regular file; set audit_log to another path");
    CHECK(verify_audit(below, {}).problem == "cannot read the audit log " + below.string() + ": Not a directory");
    CHECK(journal::tail(below, 1).fault().text() ==
          "cannot read the audit log " + below.string() + ": Not a directory");
  }

  TEST_CASE("the tail") {
    const Log log(5);
    const auto lines = log.lines();
    const auto tail = [&](std::size_t n) { return Texts(journal::tail(log.path, n).or_throw()); };
    CHECK(tail(0) == Texts{});
    CHECK(tail(1) == Texts{lines[4]});
    CHECK(tail(2) == Texts{lines[3], lines[4]});
    CHECK(tail(5) == lines);
    CHECK(tail(100) == lines);
    CHECK(Texts(journal::tail(log.dir.path() / "none", 5).or_throw()) == Texts{});
  }

  TEST_CASE("the tail leaves out half a line, keeps empty ones, and finds its way through long ones") {
    const Log log;
    log.write("half");
    CHECK(Texts(journal::tail(log.path, 5).or_throw()) == Texts{});
    log.write("a\n\nb\nhalf");
    CHECK(Texts(journal::tail(log.path, 5).or_throw()) == Texts{"a", "", "b"});
    // Newlines at and around the borders of the blocks in which the file is read.
    for (const std::size_t length : {65534, 65535, 65536, 65537, 131071, 131072, 200000}) {
      CAPTURE(length);
      const std::string line(length, 'x');
      log.write(line + "\nb\n" + line + "\n");
      CHECK(Texts(journal::tail(log.path, 5).or_throw()) == Texts{line, "b", line});
      CHECK(Texts(journal::tail(log.path, 2).or_throw()) == Texts{"b", line});
    }
  }
}
