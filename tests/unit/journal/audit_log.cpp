#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ostream>
#include <thread>

#include <support/in_child.hpp>

#include "sample_log.hpp"

using namespace certherd;
using namespace certherd::test;
using certherd::journal::AuditLog;
using certherd::journal::verify_audit;

TEST_SUITE("journal/audit_log") {
  TEST_CASE("the file and its directory are not for everybody") {
    const auto mask = ::umask(022);
    const SampleLog log(1);
    ::umask(mask);
    CHECK(mode_of(log.path) == 0640);
    CHECK(mode_of(log.path.parent_path()) == 0750);
  }

  TEST_CASE("half an entry that a crash left is kept and recorded") {
    SampleLog log(3);
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
    SampleLog log;
    log.write("{\"se");
    log.head = log.append("first").or_throw();
    CHECK(log.verdict() == "ok, 2 entries");
  }

  TEST_CASE("zeros at the end, as a file system may leave them after a power failure") {
    SampleLog log(2);
    log.write(log.content() + std::string(4096, '\0'));
    log.head = log.append("later").or_throw();
    CHECK(log.verdict() == "ok, 4 entries");
  }

  TEST_CASE("entries of a megabyte, of any byte, and their tail") {
    SampleLog log(1);
    auto big = entry("big");
    big.failure = sample_failure();
    for (int i = 0; i < 1 << 20; ++i) big.failure->error += static_cast<char>(i % 256);
    auto opened = AuditLog::open(log.path, log.head).or_throw();
    REQUIRE(opened.append(big));
    log.head = opened.append(entry("last")).or_throw();
    CHECK(log.verdict() == "ok, 3 entries");
    CHECK(Texts(journal::tail(log.path, 3).or_throw()) == log.lines());
  }

  TEST_CASE("appends by two processes and two threads of each keep the chain") {
    const SampleLog log;
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
    SampleLog log(2);
    const std::string before = log.content();
    const std::string told = in_child([&]() -> std::string {
      limit_file_size(before.size() + 50);
      const auto head = log.append("too long");
      return head ? "no fault" : head.fault().text();
    });
    CHECK(told == "cannot write to the audit log " + log.path.string() +
                      ": No space left on device; free some space on that file system");
    CHECK(log.content() == before);
    log.head = log.append("fits").or_throw();
    CHECK(log.verdict() == "ok, 3 entries");
  }

  TEST_CASE("a path that cannot be a log") {
    const TempDir dir;
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
    const SampleLog log(5);
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
    const SampleLog log;
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
