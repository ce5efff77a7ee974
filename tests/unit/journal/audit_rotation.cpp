#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ostream>
#include <thread>

#include "sample_log.hpp"

using namespace certherd;
using namespace certherd::test;
using certherd::journal::AuditHead;
using certherd::journal::AuditLog;
using certherd::journal::verify_audit;
namespace fs = std::filesystem;

namespace {

/// A log that is rotated as logrotate does it, by names.
struct RotatedLog : SampleLog {
  using SampleLog::SampleLog;

  fs::path file(const std::string& suffix) const { return path.string() + suffix; }
  void move(const std::string& from, const std::string& to) const { fs::rename(file(from), file(to)); }
  void append_all(int count) {
    auto log = AuditLog::open(path, head).or_throw();
    for (int i = 0; i < count; ++i) head = log.append(entry("more")).or_throw();
  }
  void gzip(const std::string& suffix) const {
    REQUIRE(std::system(("gzip '" + file(suffix).string() + "'").c_str()) == 0);
  }
  /// Names of the files that were read, without that of the log.
  Texts read_files() const {
    Texts names;
    for (const auto& file : verify_audit(path, head).files) names.push_back(file.string().substr(path.string().size()));
    return names;
  }
  std::string note() const { return verify_audit(path, head).note; }
};

/// Three files of three entries: .2.gz, .1 and the log.
void rotate_twice(RotatedLog& log) {
  log.append_all(3);
  log.move("", ".1");
  log.append_all(3);
  log.move(".1", ".2");
  log.gzip(".2");
  log.move("", ".1");
  log.append_all(3);
}

}  // namespace

TEST_SUITE("journal/audit_rotation") {
  TEST_CASE("one chain through the log and what it was rotated to") {
    RotatedLog log;
    rotate_twice(log);
    CHECK(log.verdict() == "ok, 9 entries");
    CHECK(log.read_files() == Texts{".2.gz", ".1", ""});
    CHECK(log.note() == "");
  }

  TEST_CASE("a new empty file, as logrotate makes it, or none, with an object that remembers or a new one") {
    for (const bool made : {true, false}) {
      for (const bool reopened : {true, false}) {
        CAPTURE(made);
        CAPTURE(reopened);
        RotatedLog log(3);
        auto opened = AuditLog::open(log.path, log.head).or_throw();
        log.move("", ".1");
        if (made) write_file(log.path, "", 0640);
        CHECK(log.verdict() == "ok, 3 entries");
        if (reopened) opened = AuditLog::open(log.path, log.head).or_throw();
        log.head = opened.append(entry("later")).or_throw();
        CHECK(log.head.seq == 4);
        CHECK(log.lines().size() == 1);
        CHECK(mode_of(log.path) == 0640);
        CHECK(log.verdict() == "ok, 4 entries");
      }
    }
  }

  TEST_CASE("the log was ahead of the database when it was rotated: the rotated file counts") {
    RotatedLog log(3);
    const AuditHead known = log.head;
    log.append_all(2);
    log.move("", ".1");
    log.head = known;
    log.append_all(1);
    CHECK(log.head.seq == 6);
    CHECK(log.verdict() == "ok, 6 entries");
    SUBCASE("compressed at once as well") {
      log.move("", ".2");
      log.gzip(".2");
      log.head = known;
      log.append_all(1);
      CHECK(log.head.seq == 7);
      CHECK(log.verdict() == "ok, 7 entries");
    }
  }

  TEST_CASE("half an entry at the end of a file that was rotated afterwards") {
    RotatedLog log(3);
    log.write(log.content() + "{\"seq\":4,\"ti");
    log.move("", ".1");
    log.append_all(1);
    CHECK(log.head.seq == 5);
    CHECK(log.lines().size() == 2);
    CHECK(log.verdict() == "ok, 5 entries");
    write_file(log.file(".1"), content(log.file(".1")) + "me");
    CHECK(log.verdict() == "line 4: the line is cut off; the next entry will record that, if a crash did it");
  }

  TEST_CASE("names with a date, and the file that logrotate put aside") {
    RotatedLog log(1);
    for (const auto* suffix : {"-20261110", "-20261117", "-20261124-1795476858", "-2026112421.backup"}) {
      log.move("", suffix);
      log.append_all(1);
    }
    log.gzip("-20261110");
    CHECK(log.verdict() == "ok, 5 entries");
    CHECK(log.read_files() == Texts{"-20261110.gz", "-20261117", "-20261124-1795476858", "-2026112421.backup", ""});
  }

  TEST_CASE("beyond nine files the order is that of the entries, not of the names") {
    RotatedLog log(1);
    for (int i = 11; i > 0; --i) {
      log.move("", "." + std::to_string(i));
      log.append_all(1);
    }
    CHECK(log.verdict() == "ok, 12 entries");
    CHECK(log.read_files().front() == ".11");
  }

  TEST_CASE("other files beside the log are none of it") {
    RotatedLog log(2);
    for (const auto* suffix : {".bak", ".1~", ".gz", ".", "-", ".1.bz2", "x.1"})
      write_file(log.file(suffix), "hello\n");
    fs::create_directory(log.file(".7"));
    write_file(log.file(".8"), "");
    CHECK(log.verdict() == "ok, 2 entries");
    CHECK(log.read_files() == Texts{""});
  }

  TEST_CASE("while a file is compressed both are there: the plain one counts") {
    RotatedLog log(3);
    log.move("", ".1");
    log.append_all(1);
    write_file(log.file(".1.gz"), "half");
    CHECK(log.verdict() == "ok, 4 entries");
    CHECK(log.read_files() == Texts{".1", ""});
  }

  TEST_CASE("the oldest were deleted: the check begins with what is there and says so") {
    RotatedLog log;
    rotate_twice(log);
    fs::remove(log.file(".2.gz"));
    CHECK(log.verdict() == "ok, 6 entries");
    CHECK(log.note() == "begins at entry 4: earlier files are gone");
    CHECK(verify_audit(log.path, log.head).first == 4);
  }

  TEST_CASE("one in the middle was deleted") {
    RotatedLog log;
    rotate_twice(log);
    fs::remove(log.file(".1"));
    CHECK(log.verdict() == "line 1: entries 4 to 6 are missing before entry 7: removed, or the lines are out of order");
    CHECK(verify_audit(log.path, log.head).file == log.path);
  }

  TEST_CASE("tampering with a rotated file") {
    RotatedLog log;
    rotate_twice(log);
    const std::string before = content(log.file(".1"));
    write_file(log.file(".1"), before.substr(0, before.find('\n') + 1));
    CHECK(log.verdict() == "line 1: entries 5 to 6 are missing before entry 7: removed, or the lines are out of order");
    std::string changed = before;
    changed.replace(changed.find("scheduler"), 9, "user:0:me");
    write_file(log.file(".1"), changed);
    CHECK(log.verdict() == "line 1: the line was changed: its text does not match its hash");
    CHECK(verify_audit(log.path, log.head).file == log.file(".1"));
  }

  TEST_CASE("the newest entries are gone with their files") {
    RotatedLog log;
    rotate_twice(log);
    write_file(log.path, "");
    CHECK(log.verdict() == "line 1: entries 7 to 9 are missing at the end: the database remembers entry 9");
    fs::remove(log.path);
    CHECK(log.verdict() == "line 4: entries 7 to 9 are missing at the end: the database remembers entry 9");
    log.append_all(1);
    CHECK(log.head.seq == 10);
    CHECK(log.verdict() ==
          "line 1: entries 7 to 9 are missing before entry 10: removed, or the lines are out of order");
  }

  TEST_CASE("a compressed file that is cut off or none") {
    RotatedLog log;
    rotate_twice(log);
    const auto compressed = log.file(".2.gz");
    const std::string bytes = content(compressed);
    const std::string told = "the rotated audit log " + compressed.string() +
                             " is not a whole gzip file; restore it from a backup; what it held cannot be checked";
    for (const auto& spoilt : {bytes.substr(0, bytes.size() / 2), bytes.substr(0, 5), std::string("hello")}) {
      write_file(compressed, spoilt);
      CHECK(log.verdict() == told);
    }
    // What cannot be read must stop no Run: the log goes on from what the database remembers.
    log.append_all(1);
    CHECK(log.head.seq == 10);
    log.move("", ".0");
    log.append_all(1);
    CHECK(log.head.seq == 11);
    write_file(compressed, bytes);
    CHECK(log.verdict() == "ok, 11 entries");
  }

  TEST_CASE("the tail reads on in the rotated files") {
    RotatedLog log;
    rotate_twice(log);
    Texts all;
    for (const auto& line : journal::tail(log.path, 100).or_throw()) all.push_back(std::to_string(head_of(line).seq));
    CHECK(all == Texts{"1", "2", "3", "4", "5", "6", "7", "8", "9"});
    const auto five = journal::tail(log.path, 5).or_throw();
    REQUIRE(five.size() == 5);
    CHECK(head_of(five.front()).seq == 5);
    CHECK(head_of(five.back()).seq == 9);
    fs::remove(log.path);
    CHECK(head_of(journal::tail(log.path, 1).or_throw().front()).seq == 6);
  }

  TEST_CASE("renamed again and again while threads append: nothing is lost") {
    RotatedLog log;
    constexpr int each = 60;
    std::atomic<int> working = 3;
    const auto work = [&] {
      // An object of its own, as another process would have.
      auto own = AuditLog::open(log.path, std::nullopt).or_throw();
      for (int i = 0; i < each; ++i) own.append(entry("concurrent")).or_throw();
      --working;
    };
    std::thread a(work), b(work), c(work);
    int rotations = 0;
    while (working > 0 && rotations < 40) {
      std::error_code error;
      fs::rename(log.path, log.file("." + std::to_string(rotations + 1)), error);
      if (!error) ++rotations;
      std::this_thread::sleep_for(std::chrono::milliseconds(rotations % 4));
    }
    for (auto* thread : {&a, &b, &c}) thread->join();
    REQUIRE(rotations > 5);
    CHECK(log.verdict(std::nullopt) == "ok, " + std::to_string(3 * each) + " entries");
  }

  TEST_CASE("logrotate itself, with our configuration, while a thread appends") {
    RotatedLog log(2);
    std::string rules = content(fs::path(CERTHERD_SOURCE_DIR) / "etc" / "logrotate.d" / "certherd");
    rules.resize(rules.find("# The service log"));
    const std::string path = "/var/log/certherd/audit.jsonl";
    rules.replace(rules.find(path), path.size(), log.path.string());
    const auto file = log.dir.write("logrotate.conf", rules, 0644);
    const std::string command =
        "/usr/sbin/logrotate --force --state '" + (log.dir.path() / "state").string() + "' '" + file.string() + "'";
    constexpr int count = 200;
    std::thread appending([&] { log.append_all(count); });
    int failed = 0;
    for (int i = 0; i < 5; ++i) failed += std::system(command.c_str()) != 0;
    appending.join();
    REQUIRE(failed == 0);
    CHECK(log.verdict() == "ok, " + std::to_string(count + 2) + " entries");
    CHECK(log.note() == "");
    CHECK(fs::exists(log.file(".1")));
    CHECK(fs::exists(log.file(".2.gz")));
    log.append_all(1);
    CHECK(mode_of(log.path) == 0640);
    CHECK(log.verdict() == "ok, " + std::to_string(count + 3) + " entries");
  }
}
