#include <certherd/base/text.hpp>
#include <certherd/certbot/attempt.hpp>

#include <ostream>

#include <csignal>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>
#include <support/temp_dir.hpp>

using namespace certherd;
using namespace certherd::certbot;
namespace fs = std::filesystem;

namespace {

/// A certbot that is a shell script: `log MESSAGE` writes a record of today's clock, `core`, `user` and `acme` those of
/// certbot's loggers.
constexpr std::string_view prelude = R"sh(#!/bin/sh
record() { printf '%s:%s:%s:%s\n' "$(date -u '+%Y-%m-%d %H:%M:%S,%3N')" "$1" "$2" "$3" >> "$LOG"; }
core() { record INFO certbot._internal.auth_handler "$1"; }
user() { record DEBUG certbot._internal.display.obj "Notifying user: $1"; }
acme() { record DEBUG acme.client "$1"; }
fail() { record ERROR certbot._internal.log "$1"; echo "$1"; exit 1; }
until_provision() {
  record DEBUG certbot._internal.main 'certbot version: 9.9.9'
  acme 'Sending GET request to https://ca.example/dir.'
  user 'Requesting a certificate for a.example'
  core 'Performing the following challenges:'
  core 'dns-01 challenge for a.example'
}
)sh";

struct Trial {
  test::TempDir directory;
  fs::path logs = directory.path() / "logs";
  fs::path work = directory.path() / "work";
  fs::path transcript = directory.path() / "attempt-1.log";
  Redactor redactor;
  Seconds timeout{60};
  Seconds grace{5};
  std::vector<std::string> lines;
  std::vector<std::string> phases;
  std::optional<Phase> stop_at;  ///< stop is requested when it begins
  mutable PlainEngine engine{directory.path() / "launcher.py"};

  Trial() {
    fs::create_directories(logs);
    fs::create_directories(work);
  }

  AttemptInput input(const std::string& body) const {
    AttemptInput input;
    input.engine = &engine;
    input.command.executable = test::write_script(directory.path() / "certbot", std::string(prelude) + body);
    input.command.environment = {{"PATH", "/usr/bin:/bin"}, {"LOG", (logs / "letsencrypt.log").string()}};
    input.command.logs_dir = logs;
    input.command.work_dir = work;
    input.command.shown = "certbot --secret hunter2";
    input.certbot_version = "2.1.0";
    input.timeout = timeout;
    input.grace = grace;
    input.transcript = transcript;
    input.redactor = redactor;
    return input;
  }

  Result<AttemptResult> run(const AttemptInput& input) {
    return test::run_with_stop([&](os::StopSignal& stop) {
      AttemptCallbacks callbacks;
      callbacks.line = [this](std::string_view line) { lines.emplace_back(line); };
      callbacks.phase = [this, &stop](Phase phase, TimePoint, std::optional<Seconds> announced) {
        phases.push_back(std::string(to_string(phase)) + (announced ? " " + format_duration(*announced) : ""));
        if (phase == stop_at) stop.request();
      };
      return run_attempt(input, callbacks, stop);
    });
  }

  Attempt attempt(const std::string& body) { return run(input(body)).or_throw().attempt; }
};

std::string phases_of(const Attempt& attempt) {
  std::vector<std::string> names;
  for (const auto& span : attempt.timeline.spans)
    names.push_back(std::string(to_string(span.phase)) + (span.failed ? "!" : ""));
  return join(names, " ");
}

}  // namespace

TEST_SUITE("certbot/attempt") {
  TEST_CASE("a run that succeeds: phases, version, exit, no failure, no log left") {
    Trial trial;
    const Attempt attempt = trial.attempt(
        "until_provision\nuser 'Waiting 7 seconds for DNS changes to propagate'\nacme 'JWS payload:'\n"
        "core 'Waiting for verification...'\ncore 'Cleaning up challenges'\n"
        "record DEBUG certbot._internal.client 'CSR: x'\nrecord DEBUG certbot._internal.storage 'Writing x'\n");
    CHECK_FALSE(attempt.failure);
    CHECK(attempt.exit_code == 0);
    CHECK_FALSE(attempt.signal);
    CHECK(attempt.number == 1);
    CHECK(attempt.certbot_version == "9.9.9");
    CHECK(phases_of(attempt) ==
          "startup account order challenge provision propagation notify validation cleanup finalize save");
    CHECK(join(trial.phases, " ") ==
          "startup account order challenge provision propagation 7s notify validation cleanup finalize save");
    CHECK(attempt.timeline.start() == attempt.started);
    CHECK(attempt.timeline.longest_gap() <= Milliseconds(50));
    CHECK(fs::is_empty(trial.logs));
  }

  TEST_CASE("a certbot without a log has one phase and the version that was known") {
    Trial trial;
    const Attempt attempt = trial.attempt("exit 0\n");
    CHECK(phases_of(attempt) == "startup");
    CHECK(attempt.certbot_version == "2.1.0");
    CHECK_FALSE(attempt.failure);
  }

  TEST_CASE("a failure is judged by the log") {
    Trial trial;
    const Attempt attempt = trial.attempt(
        "until_provision\ncore 'Cleaning up challenges'\nfail 'Received response from server: REFUSED'\n");
    REQUIRE(attempt.failure);
    CHECK(to_string(attempt.failure->failure_class) == "provider_scope");
    CHECK(attempt.failure->phase == Phase::provision);
    CHECK(attempt.failure->error == "Received response from server: REFUSED");
    CHECK(phases_of(attempt) == "startup account order challenge provision! cleanup");
    CHECK(attempt.exit_code == 1);
  }

  TEST_CASE("lines are heard as they come, printable and without secrets") {
    Trial trial;
    trial.redactor.add("hunter2");
    const Attempt attempt =
        trial.attempt("echo 'token hunter2'\nprintf 'a\\033[31mb\\n' >&2\nfail 'bad token hunter2'\n");
    CHECK(trial.lines == std::vector<std::string>{"token [redacted]", "a\\x1b[31mb", "bad token [redacted]"});
    CHECK(attempt.failure->error == "bad token [redacted]");
    CHECK(attempt.command_line == "certbot --secret [redacted]");
  }

  TEST_CASE("the transcript holds command, output and log, private and without secrets") {
    Trial trial;
    trial.redactor.add("hunter2");
    test::write_file(trial.transcript, "of an earlier run");
    CHECK(trial.run(
        trial.input("echo out\nprintf '%s\\n' '2026-11-23 22:02:15,967:DEBUG:a:GET /?t=hunter2' > \"$LOG\"\n")));
    CHECK(test::content(trial.transcript) ==
          "# command\ncertbot --secret [redacted]\n\n# output\nout\n\n# debug log\n"
          "2026-11-23 22:02:15,967:DEBUG:a:GET /?t=[redacted]\n");
    CHECK(fs::status(trial.transcript).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  }

  TEST_CASE("a flood of output and log is bounded, the ends are kept and the error is found") {
    Trial trial;
    const Attempt attempt = trial.attempt(
        "until_provision\nyes \"$(printf '%01000d' 7)\" | head -c 4000000\necho\n"
        "head -c 40000000 /dev/zero | tr '\\0' x >> \"$LOG\"\necho >> \"$LOG\"\n"
        "echo the last line\nfail 'File not found: /x'\n");
    CHECK(fs::file_size(trial.transcript) < 5 * 1024 * 1024);
    const std::string text = test::content(trial.transcript);
    CHECK(contains(text, "certbot version: 9.9.9"));
    CHECK(contains(text, "the last line\n"));
    CHECK(contains(text, " bytes left out]\n"));
    REQUIRE(attempt.failure);
    CHECK(attempt.failure->error == "File not found: /x");
  }

  TEST_CASE("an old log is not mistaken for this run's") {
    Trial trial;
    test::write_file(trial.logs / "letsencrypt.log",
                     "2026-11-23 22:02:15,967:DEBUG:acme.client:Sending GET request to https://ca.example/dir.\n");
    CHECK(phases_of(trial.attempt("exit 0\n")) == "startup");
  }

  TEST_CASE("what certbot leaves in its temporary directory is read and removed") {
    Trial trial;
    const std::string log = (trial.work / "certbot-log-abc/log").string();
    const Attempt attempt = trial.attempt("mkdir -p '" + (trial.work / "certbot-log-abc").string() + "'\nLOG='" + log +
                                          "'\nfail 'The requested dns-x plugin does not appear to be installed'\n");
    REQUIRE(attempt.failure);
    CHECK(to_string(attempt.failure->failure_class) == "plugin_missing");
    CHECK(contains(test::content(trial.transcript), "ERROR:certbot._internal.log:The requested dns-x plugin"));
    CHECK(fs::is_empty(trial.work));
  }

  TEST_CASE("a stop request ends certbot while it waits, and its cleanup is heard") {
    Trial trial;
    trial.stop_at = Phase::propagation;
    const Attempt attempt = trial.attempt(
        "trap 'core \"Cleaning up challenges\"; trap - TERM; kill -TERM $$' TERM\nuntil_provision\n"
        "user 'Waiting 600 seconds for DNS changes to propagate'\nsleep 600 & wait\n");
    REQUIRE(attempt.failure);
    CHECK(to_string(attempt.failure->failure_class) == "interrupted");
    CHECK(attempt.failure->phase == Phase::propagation);
    CHECK(attempt.signal == SIGTERM);
    CHECK(phases_of(attempt) == "startup account order challenge provision propagation! cleanup");
  }

  TEST_CASE("a certbot that has begun to clean up is left to finish") {
    Trial trial;
    trial.stop_at = Phase::cleanup;
    const Attempt attempt = trial.attempt(
        "until_provision\ncore 'Waiting for verification...'\ncore 'Cleaning up challenges'\nsleep 0.3\n"
        "record DEBUG certbot._internal.client 'CSR: x'\nexit 0\n");
    CHECK_FALSE(attempt.failure);
    CHECK(attempt.exit_code == 0);
  }

  TEST_CASE("a certbot that takes too long is ended") {
    Trial trial;
    trial.timeout = Seconds(1);
    const Attempt attempt = trial.attempt("until_provision\nsleep 600 & wait\n");
    REQUIRE(attempt.failure);
    CHECK(to_string(attempt.failure->failure_class) == "certbot_timeout");
    CHECK(attempt.failure->phase == Phase::provision);
  }

  TEST_CASE("after a stop request nothing is started") {
    Trial trial;
    const AttemptInput input = trial.input("touch \"$LOG.started\"\n");
    const auto result = test::run_with_stop([&](os::StopSignal& stop) {
      stop.request();
      return run_attempt(input, {}, stop);
    });
    REQUIRE(result);
    CHECK(to_string(result->attempt.failure->failure_class) == "interrupted");
    CHECK_FALSE(fs::exists(trial.logs / "letsencrypt.log.started"));
  }

  TEST_CASE("a certbot that cannot be started is a fault") {
    Trial trial;
    AttemptInput input = trial.input("exit 0\n");
    fs::remove(input.command.executable);
    CHECK_FALSE(trial.run(input));
    CHECK_FALSE(fs::exists(trial.transcript));
  }

  TEST_CASE("an attempt stands although its transcript could not be written") {
    Trial trial;
    AttemptInput input = trial.input("exit 0\n");
    input.transcript = trial.directory.path() / "missing/attempt-1.log";
    const auto result = trial.run(input);
    REQUIRE(result);
    CHECK(result->attempt.exit_code == 0);
    CHECK(result->unrecorded->message == "cannot create " + input.transcript.string() + ": No such file or directory");
    CHECK(fs::is_empty(trial.logs));
  }

  TEST_CASE("a log directory that is a trap is a fault") {
    Trial trial;
    fs::create_directories(trial.logs / "letsencrypt.log/full");
    CHECK_FALSE(trial.run(trial.input("exit 0\n")));
  }
}
