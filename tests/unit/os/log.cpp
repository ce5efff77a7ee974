#include "../../../src/os/log_entry.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/log.hpp>

#include <doctest/doctest.h>

#include <support/files.hpp>
#include <support/in_child.hpp>
#include <support/temp_dir.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <regex>

using namespace certherd;
using namespace certherd::os;
using test::TempDir;

namespace {

/// Restores the level, and takes the log file away again.
struct LogBench {
  LogLevel before = log_level();
  ~LogBench() {
    set_log_level(before);
    (void)open_service_log({});
  }
};

/// What an action writes to standard error.
template <class Action>
std::string on_stderr(const std::filesystem::path& into, Action action) {
  return test::in_child([&] {
    const int file = ::open(into.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDERR_FILENO);
    action();
    return test::content(into);
  });
}

}  // namespace

TEST_SUITE("os/log") {
  TEST_CASE("levels have words, and words have levels") {
    for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error})
      CHECK(parse_log_level(to_string(level)) == level);
    CHECK(parse_log_level("warning") == LogLevel::warning);
    CHECK_FALSE(parse_log_level("WARNING"));
    CHECK_FALSE(parse_log_level(""));
  }

  TEST_CASE("a journal entry has its priority and the fields that were given") {
    CHECK(journal_fields(LogLevel::warning, "deployed", {}) ==
          std::vector<std::string>{"MESSAGE=deployed", "PRIORITY=4", "SYSLOG_IDENTIFIER=certherd"});
    LogFields fields;
    fields.certificate = "example.com";
    fields.run = "r1";
    fields.failure_class = "txt_wrong";
    fields.event = "run.failed";
    CHECK(journal_fields(LogLevel::error, "two\nlines\x07", fields) ==
          std::vector<std::string>{"MESSAGE=two\nlines\\x07", "PRIORITY=3", "SYSLOG_IDENTIFIER=certherd",
                                   "CERTHERD_CERTIFICATE=example.com", "CERTHERD_RUN=r1",
                                   "CERTHERD_FAILURE_CLASS=txt_wrong", "CERTHERD_EVENT=run.failed"});
    CHECK(journal_fields(LogLevel::info, "x", {})[1] == "PRIORITY=6");
    CHECK(journal_fields(LogLevel::debug, "x", {})[1] == "PRIORITY=7");
  }

  TEST_CASE("in a file the fields follow the text, unless it names them") {
    LogFields fields;
    fields.certificate = "example.com";
    fields.run = "r1";
    CHECK(text_with_fields("example.com: deployed", fields) == "example.com: deployed (run=r1)");
    CHECK(text_with_fields("started", {}) == "started");
  }

  TEST_CASE("the journal is there if standard error is the stream that JOURNAL_STREAM names") {
    const Fd null(::open("/dev/null", O_WRONLY));
    struct stat status {};
    REQUIRE(::fstat(null.get(), &status) == 0);
    const std::string device = std::to_string(status.st_dev);
    const std::string inode = std::to_string(status.st_ino);
    CHECK(is_journal_stream(null.get(), (device + ":" + inode).c_str()));
    CHECK_FALSE(is_journal_stream(null.get(), (device + ":" + inode + "1").c_str()));
    CHECK_FALSE(is_journal_stream(null.get(), device.c_str()));
    CHECK_FALSE(is_journal_stream(null.get(), ""));
    CHECK_FALSE(is_journal_stream(null.get(), nullptr));
    CHECK_FALSE(is_journal_stream(-1, (device + ":" + inode).c_str()));
  }

  TEST_CASE("what lies below the level is not said") {
    const TempDir directory;
    const auto said = on_stderr(directory.path() / "stderr", [] {
      log(LogLevel::info, "before the first call");
      log(LogLevel::warning, "a warning {}");
      set_log_level(LogLevel::error);
      log(LogLevel::warning, "not this one");
      set_log_level(LogLevel::debug);
      log(LogLevel::debug, "a detail\x1b");
    });
    CHECK(said == "warning: a warning {}\ndebug: a detail\\x1b\n");
  }

  TEST_CASE("a log file is made 0640 whatever the umask, with times in UTC") {
    const LogBench bench;
    const TempDir directory;
    const auto file = directory.path() / "certherd.log";
    const mode_t umask_before = ::umask(0077);
    const auto opened = open_service_log(file);
    ::umask(umask_before);
    REQUIRE(opened);
    CHECK(test::mode_of(file) == 0640);
    set_log_level(LogLevel::debug);
    LogFields fields;
    fields.certificate = "example.com";
    log(LogLevel::debug, "hello", fields);
    const std::regex line(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z debug: hello \(certificate=example\.com\)\n)");
    CHECK(std::regex_match(test::content(file), line));
  }

  TEST_CASE("after a rotation the log goes on in a new file, and nothing is lost") {
    const LogBench bench;
    const TempDir directory;
    const auto file = directory.path() / "certherd.log";
    const auto rotated = directory.path() / "certherd.log.1";
    REQUIRE(open_service_log(file));
    log(LogLevel::error, "one");
    std::filesystem::rename(file, rotated);
    log(LogLevel::error, "two");
    reopen_log_file();
    log(LogLevel::error, "three");
    CHECK(contains(test::content(rotated), "error: one\n"));
    CHECK(contains(test::content(rotated), "error: two\n"));
    CHECK(contains(test::content(file), "error: three\n"));
    CHECK_FALSE(contains(test::content(file), "two"));
  }

  TEST_CASE("a file that is there is appended to and keeps its mode") {
    const LogBench bench;
    const TempDir directory;
    const auto file = directory.write("certherd.log", "old\n", 0600);
    REQUIRE(open_service_log(file));
    log(LogLevel::error, "new");
    CHECK(test::content(file).starts_with("old\n"));
    CHECK(contains(test::content(file), "error: new\n"));
    CHECK(test::mode_of(file) == 0600);
  }

  TEST_CASE("a log file that cannot be opened is a fault with its path, and the old one stays") {
    const LogBench bench;
    const TempDir directory;
    const auto file = directory.path() / "certherd.log";
    REQUIRE(open_service_log(file));
    const auto nowhere = open_service_log(directory.path() / "missing" / "certherd.log");
    REQUIRE_FALSE(nowhere);
    CHECK(contains(nowhere.fault().message, "missing/certherd.log: No such file or directory"));
    CHECK_FALSE(open_service_log(directory.path()));
    REQUIRE(::mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
    CHECK_FALSE(open_service_log(directory.path() / "fifo"));
    log(LogLevel::error, "still here");
    CHECK(contains(test::content(file), "still here"));
  }

  TEST_CASE("if the new file cannot be opened after a rotation, the old one says so and goes on") {
    const LogBench bench;
    const TempDir directory;
    const auto home = directory.path() / "log";
    std::filesystem::create_directory(home);
    REQUIRE(open_service_log(home / "certherd.log"));
    std::filesystem::rename(home, directory.path() / "moved");
    reopen_log_file();
    log(LogLevel::error, "later");
    const auto text = test::content(directory.path() / "moved" / "certherd.log");
    CHECK(contains(text, "cannot create the log file " + (home / "certherd.log").string()));
    CHECK(contains(text, "error: later\n"));
  }

  TEST_CASE("without a log file there is none to reopen") {
    const LogBench bench;
    const TempDir directory;
    const auto file = directory.path() / "certherd.log";
    REQUIRE(open_service_log(file));
    REQUIRE(open_service_log({}));
    std::filesystem::remove(file);
    reopen_log_file();
    CHECK_FALSE(std::filesystem::exists(file));
  }
}
