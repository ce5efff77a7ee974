#include <certherd/journal/journal.hpp>

#include <Poco/Data/Session.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <ostream>

#include <doctest/doctest.h>

#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"
#include "samples.hpp"

using namespace certherd;
using certherd::journal::AuditHead;
using certherd::journal::HistoryFilter;
using certherd::journal::Journal;
using certherd::test::at;
using certherd::test::rich_run;
using certherd::test::sample_run;
using certherd::test::TempDir;
using certherd::test::Texts;
namespace fs = std::filesystem;

namespace {

struct Database {
  TempDir dir;
  fs::path path = dir.path() / "certherd.db";
  std::unique_ptr<Journal> journal = open();

  std::unique_ptr<Journal> open(Journal::Mode mode = Journal::Mode::read_write) const {
    return Journal::open(path, mode).or_throw();
  }
  void save(const Run& run) const {
    journal->begin_run(run);
    for (const auto& attempt : run.attempts) journal->save_attempt(run.id, attempt);
    for (const auto& job : run.hook_jobs) journal->save_hook_job(job);
    journal->finish_run(run);
  }
};

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Texts ids(const std::vector<Run>& runs) {
  Texts texts;
  for (const auto& run : runs) texts.push_back(run.id);
  return texts;
}

Run ended_run(const std::string& id, const std::string& certificate, int started, Outcome outcome) {
  Run run = sample_run(id, certificate, started);
  run.ended = at(started + 10);
  run.outcome = outcome;
  if (outcome == Outcome::failed) run.failure = test::sample_failure();
  return run;
}

void check_same(const std::optional<Failure>& seen, const std::optional<Failure>& expected) {
  REQUIRE(seen.has_value() == expected.has_value());
  if (!seen) return;
  CHECK(seen->failure_class == expected->failure_class);
  CHECK(seen->phase == expected->phase);
  CHECK(seen->error == expected->error);
  CHECK(seen->problem_type == expected->problem_type);
  CHECK(seen->problem_detail == expected->problem_detail);
  CHECK(seen->problem_domain == expected->problem_domain);
  CHECK(seen->hint == expected->hint);
  CHECK(seen->fix == expected->fix);
  CHECK(seen->retry_after == expected->retry_after);
}

void check_same(const Attempt& seen, const Attempt& expected) {
  CHECK(seen.number == expected.number);
  CHECK(seen.started == expected.started);
  CHECK(seen.ended == expected.ended);
  CHECK(seen.certbot_version == expected.certbot_version);
  CHECK(seen.command_line == expected.command_line);
  CHECK(seen.exit_code == expected.exit_code);
  CHECK(seen.signal == expected.signal);
  CHECK(seen.usage.user == expected.usage.user);
  CHECK(seen.usage.system == expected.usage.system);
  CHECK(seen.usage.max_rss_kib == expected.usage.max_rss_kib);
  CHECK((seen.timeline.spans == expected.timeline.spans));
  check_same(seen.failure, expected.failure);
}

void check_same(const HookJob& seen, const HookJob& expected) {
  CHECK(seen.run == expected.run);
  CHECK(seen.hook == expected.hook);
  CHECK(seen.event == expected.event);
  CHECK(seen.position == expected.position);
  CHECK(seen.done == expected.done);
  CHECK(seen.tries == expected.tries);
  CHECK(seen.started == expected.started);
  CHECK(seen.duration == expected.duration);
  CHECK(seen.error == expected.error);
  CHECK(seen.output == expected.output);
}

void check_same(const Generation& seen, const Generation& expected) {
  CHECK(seen.certificate == expected.certificate);
  CHECK(seen.number == expected.number);
  CHECK(seen.directory == expected.directory);
  CHECK(Texts(seen.facts.domains) == Texts(expected.facts.domains));
  CHECK(seen.facts.serial == expected.facts.serial);
  CHECK(seen.facts.issuer == expected.facts.issuer);
  CHECK(seen.facts.key == expected.facts.key);
  CHECK(seen.facts.not_before == expected.facts.not_before);
  CHECK(seen.facts.not_after == expected.facts.not_after);
}

/// What history() gives of a Run.
void check_same_light(const Run& seen, const Run& expected) {
  CHECK(seen.id == expected.id);
  CHECK(seen.certificate == expected.certificate);
  CHECK(Texts(seen.domains) == Texts(expected.domains));
  CHECK(seen.provider == expected.provider);
  CHECK(seen.account == expected.account);
  CHECK(seen.ca == expected.ca);
  CHECK(to_string(seen.actor) == to_string(expected.actor));
  CHECK(seen.reason == expected.reason);
  CHECK(seen.started == expected.started);
  CHECK(seen.ended == expected.ended);
  CHECK(seen.outcome == expected.outcome);
  check_same(seen.failure, expected.failure);
}

}  // namespace

TEST_SUITE("journal/journal") {
  TEST_CASE("a whole Run comes back as it was, also after reopening") {
    Database database;
    const Run run = rich_run();
    database.save(run);
    database.journal.reset();
    const auto found = database.open()->find_run(run.id);
    REQUIRE(found);
    check_same_light(*found, run);
    CHECK((found->timeline.spans == run.timeline.spans));
    REQUIRE(found->attempts.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) check_same(found->attempts[i], run.attempts[i]);
    REQUIRE(found->generation);
    check_same(*found->generation, *run.generation);
    REQUIRE(found->hook_jobs.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) check_same(found->hook_jobs[i], run.hook_jobs[i]);
  }

  TEST_CASE("an Attempt saved again replaces the first") {
    const Database database;
    Run run = rich_run();
    database.save(run);
    run.attempts[0].failure.reset();
    run.attempts[0].exit_code = 0;
    run.attempts[0].timeline.spans.pop_back();
    database.journal->save_attempt(run.id, run.attempts[0]);
    const auto found = database.journal->find_run(run.id);
    REQUIRE(found->attempts.size() == 2);
    check_same(found->attempts[0], run.attempts[0]);
  }

  TEST_CASE("a huge error text and one with every byte") {
    const Database database;
    Run run = rich_run();
    run.failure->error = std::string(1 << 20, 'x');
    run.failure->hint.clear();
    for (int byte = 1; byte < 256; ++byte) run.failure->hint += static_cast<char>(byte);
    database.save(run);
    check_same(database.journal->find_run(run.id)->failure, run.failure);
  }

  TEST_CASE("text that looks like SQL is text") {
    const Database database;
    const Run run = sample_run("'; DROP TABLE runs; --", "x' OR '1'='1");
    database.save(run);
    HistoryFilter filter;
    filter.certificate = "x' OR '1'='1";
    CHECK(ids(database.journal->history(filter)) == Texts{run.id});
  }

  TEST_CASE("a Run that has begun has no outcome, and shows after its program died") {
    Database database;
    database.journal->begin_run(sample_run("a", "example.com", 1));
    database.save(ended_run("b", "example.org", 2, Outcome::deployed));
    database.journal.reset();
    const auto journal = database.open();
    const auto runs = journal->history();
    REQUIRE(ids(runs) == Texts{"b", "a"});
    CHECK_FALSE(runs[1].outcome);
    CHECK(runs[1].ended == TimePoint());
    HistoryFilter unfinished;
    unfinished.unfinished_only = true;
    CHECK(ids(journal->history(unfinished)) == Texts{"a"});
  }

  TEST_CASE("history by certificate, outcome, time and number") {
    const Database database;
    database.save(ended_run("1", "example.com", 1000, Outcome::deployed));
    database.save(ended_run("2", "example.com", 2000, Outcome::failed));
    database.save(ended_run("3", "example.org", 3000, Outcome::deployed_hook_failed));
    database.save(ended_run("4", "example.org", 4000, Outcome::interrupted));
    const auto found = [&](auto change) {
      HistoryFilter filter;
      change(filter);
      return ids(database.journal->history(filter));
    };
    CHECK(found([](HistoryFilter&) {}) == Texts{"4", "3", "2", "1"});
    CHECK(found([](HistoryFilter& filter) { filter.certificate = "example.com"; }) == Texts{"2", "1"});
    CHECK(found([](HistoryFilter& filter) { filter.failed_only = true; }) == Texts{"3", "2"});
    CHECK(found([](HistoryFilter& filter) { filter.since = at(2000); }) == Texts{"4", "3", "2"});
    CHECK(found([](HistoryFilter& filter) { filter.limit = 2; }) == Texts{"4", "3"});
    CHECK(found([](HistoryFilter& filter) {
            filter.certificate = "example.com";
            filter.failed_only = true;
            filter.since = at(0);
            filter.limit = 1;
          }) == Texts{"2"});
    CHECK(found([](HistoryFilter& filter) { filter.certificate = "example.net"; }) == Texts{});
  }

  TEST_CASE("the light form holds all but the parts") {
    const Database database;
    const Run run = rich_run();
    database.save(run);
    const auto runs = database.journal->history();
    REQUIRE(runs.size() == 1);
    check_same_light(runs[0], run);
    CHECK(runs[0].attempts.empty());
    CHECK(runs[0].hook_jobs.empty());
  }

  TEST_CASE("the last Run of each certificate, the later one of the same millisecond") {
    const Database database;
    database.save(ended_run("3", "example.org", 500, Outcome::deployed));
    database.save(ended_run("1", "example.com", 1000, Outcome::deployed));
    database.save(ended_run("2", "example.com", 3000, Outcome::failed));
    database.save(ended_run("20", "example.com", 3000, Outcome::deployed));
    database.journal->begin_run(sample_run("4", "example.net", 10));
    CHECK(ids(database.journal->last_runs()) == Texts{"20", "4", "3"});
  }

  TEST_CASE("a Run by the beginning of its id") {
    const Database database;
    for (const auto* id : {"20261123T120000Z-a-1", "20261123T120001Z-b-2", "20261124_x", "20261124%x"})
      database.journal->begin_run(sample_run(id));
    auto& journal = *database.journal;
    CHECK(journal.find_run("20261123T120001")->id == "20261123T120001Z-b-2");
    CHECK(journal.find_run("20261124_")->id == "20261124_x");
    CHECK(journal.find_run("20261124%")->id == "20261124%x");
    CHECK(journal.find_run("2026112!").fault().text() ==
          "there is no run '2026112!'; 'certherd history' lists the runs");
    CHECK(journal.find_run("").fault().text() == "there is no run ''; 'certherd history' lists the runs");
    CHECK(journal.find_run("20261123").fault().text() ==
          "several runs begin with '20261123': 20261123T120000Z-a-1, 20261123T120001Z-b-2; write more of the id");
    CHECK(journal.find_run("2026").fault().text() ==
          "several runs begin with '2026': 20261123T120000Z-a-1, 20261123T120001Z-b-2, 20261124%x, …; "
          "write more of the id");
  }

  TEST_CASE("an id that begins another one") {
    const Database database;
    database.journal->begin_run(sample_run("ab"));
    database.journal->begin_run(sample_run("abc"));
    CHECK(database.journal->find_run("ab")->id == "ab");
  }

  TEST_CASE("owed hook jobs, oldest Run first, until they are done") {
    Database database;
    HookJob job{"run-2", "reload", "deployed", 1, false, 0, {}, {}, "", ""};
    database.journal->save_hook_job(job);
    database.journal->save_hook_job({"run-1", "tell", "failed", 2, false, 0, {}, {}, "", ""});
    database.journal->save_hook_job({"run-1", "reload", "failed", 1, true, 1, {}, {}, "", ""});
    database.journal.reset();
    database.journal = database.open();
    auto owed = database.journal->owed_hook_jobs();
    REQUIRE(owed.size() == 2);
    check_same(owed[0], {"run-1", "tell", "failed", 2, false, 0, {}, {}, "", ""});
    check_same(owed[1], job);
    job.done = true;
    job.tries = 1;
    database.journal->save_hook_job(job);
    owed = database.journal->owed_hook_jobs();
    REQUIRE(owed.size() == 1);
    CHECK(owed[0].run == "run-1");
  }

  TEST_CASE("the audit head goes forward only") {
    const Database database;
    CHECK_FALSE(database.journal->audit_head());
    const AuditHead five{5, std::string(64, 'a')};
    database.journal->save_audit_head(five);
    CHECK(database.journal->audit_head() == five);
    database.journal->save_audit_head({4, std::string(64, 'b')});
    CHECK(database.journal->audit_head() == five);
    const AuditHead six{6, std::string(64, 'c')};
    database.journal->save_audit_head(six);
    CHECK(database.journal->audit_head() == six);
  }

  TEST_CASE("the same Run cannot begin twice; what was saved stays") {
    const Database database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    CHECK_THROWS_AS(database.journal->begin_run(sample_run("a", "other")), Failed);
    CHECK(database.journal->find_run("a")->certificate == "example.com");
  }

  TEST_CASE("the file is for its owner alone") {
    const Database database;
    database.save(rich_run());
    for (const auto* suffix : {"", "-wal", "-shm"}) {
      struct stat status {};
      REQUIRE(::stat((database.path.string() + suffix).c_str(), &status) == 0);
      CHECK((status.st_mode & 07777) == 0600);
    }
  }

  TEST_CASE("odd characters in the path") {
    const TempDir dir;
    fs::create_directory(dir.path() / "a b?c#d%20e");
    const auto path = dir.path() / "a b?c#d%20e" / "certherd.db";
    REQUIRE(Journal::open(path, Journal::Mode::read_write));
    CHECK(fs::file_size(path) > 0);
  }

  TEST_CASE("two readers beside the writer; a reader cannot write") {
    const Database database;
    const auto reader = database.open(Journal::Mode::read_only);
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    CHECK(ids(reader->history()) == Texts{"a"});
    CHECK(ids(database.open(Journal::Mode::read_only)->last_runs()) == Texts{"a"});
    try {
      reader->begin_run(sample_run("b"));
      FAIL("a read-only journal was written");
    } catch (const Failed& failed) {
      CHECK(failed.fault().message ==
            "cannot write to the database " + database.path.string() + ": attempt to write a readonly database");
      CHECK(failed.fault().fix == "check that the file system is writable and who owns the file");
    }
  }

  TEST_CASE("reading where there is no database makes none") {
    const TempDir dir;
    const auto path = dir.path() / "certherd.db";
    CHECK(Journal::open(path, Journal::Mode::read_only).fault().text() ==
          "cannot open the database " + path.string() + ": No such file or directory");
    CHECK_FALSE(fs::exists(path));
  }

  TEST_CASE("a database in a directory that is none, and one that is a directory") {
    const TempDir dir;
    dir.write("file", "");
    const auto below = dir.path() / "file" / "certherd.db";
    CHECK(Journal::open(below, Journal::Mode::read_write).fault().text() ==
          "cannot open the database " + below.string() + ": Not a directory");
    CHECK(Journal::open(dir.path(), Journal::Mode::read_write).fault().text() ==
          "cannot open the database " + dir.path().string() + ": Is a directory");
    CHECK(Journal::open("/dev/null", Journal::Mode::read_only).fault().text() ==
          "the database /dev/null is not a regular file");
  }

  TEST_CASE("a file that is no database") {
    const TempDir dir;
    const auto path = dir.write("certherd.db", std::string(10'000, 'x'));
    for (const auto mode : {Journal::Mode::read_write, Journal::Mode::read_only}) {
      const auto journal = Journal::open(path, mode);
      REQUIRE_FALSE(journal);
      CHECK(journal.fault().message.starts_with("cannot open the database " + path.string() +
                                                ": the file is damaged or not a database ("));
      CHECK(journal.fault().fix.starts_with("stop certherd and move the file away"));
    }
    CHECK(content(path) == std::string(10'000, 'x'));
  }

  TEST_CASE("a database that is damaged inside") {
    Database database;
    for (int i = 0; i < 200; ++i)
      database.save(ended_run("run-" + std::to_string(i), "example.com", i, Outcome::failed));
    database.journal.reset();
    std::string bytes = content(database.path);
    REQUIRE(bytes.size() > 20 * 4096);
    // The schema's pages stay whole, so that opening succeeds.
    for (std::size_t i = 20 * 4096; i < bytes.size(); ++i) bytes[i] = '\xff';
    database.dir.write("certherd.db", bytes);
    const auto journal = database.open();
    try {
      (void)journal->history();
      FAIL("a damaged database was read");
    } catch (const Failed& failed) {
      CHECK(failed.fault().message.starts_with("cannot read the database " + database.path.string() +
                                               ": the file is damaged or not a database ("));
    }
  }

  TEST_CASE("a database of a newer certherd is not touched") {
    Database database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    database.journal.reset();
    {
      Poco::Data::Session session("SQLite", database.path.string());
      session << "UPDATE schema_version SET version = 9", Poco::Data::Keywords::now;
    }
    const std::string before = content(database.path);
    for (const auto mode : {Journal::Mode::read_write, Journal::Mode::read_only}) {
      CHECK(Journal::open(database.path, mode).fault().text() ==
            "the database " + database.path.string() +
                " was written by a newer certherd (its schema is 9, this program knows up to 1); use the newer "
                "certherd, or move the file away to begin a new history");
    }
    CHECK(content(database.path) == before);
  }

  TEST_CASE("an empty file becomes a database; reading it says what to do") {
    const TempDir dir;
    const auto path = dir.write("certherd.db", "");
    CHECK(Journal::open(path, Journal::Mode::read_only).fault().text() ==
          "the database " + path.string() +
              " has the older schema 0; start the service, or run a verb that changes something, to bring it up to "
              "date");
    REQUIRE(Journal::open(path, Journal::Mode::read_write));
    CHECK(Journal::open(path, Journal::Mode::read_only).ok());
  }

  TEST_CASE("a write that fails midway throws and changes nothing") {
    Database database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    database.journal.reset();
    const pid_t child = ::fork();
    if (child == 0) {
      int code = 1;
      ::signal(SIGXFSZ, SIG_IGN);
      const auto journal = database.open();
      const rlimit limit{200 * 1024, 200 * 1024};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      Run run = sample_run("b");
      run.reason = std::string(1 << 20, 'x');
      try {
        journal->begin_run(run);
      } catch (const Failed& failed) {
        const std::string expected = "cannot write to the database " + database.path.string() + ": ";
        code = failed.fault().message.starts_with(expected) && !failed.fault().fix.empty() ? 0 : 2;
      }
      ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(ids(database.open()->history()) == Texts{"a"});
  }
}
