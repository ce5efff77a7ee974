#include <certherd/base/text.hpp>
#include <certherd/journal/journal.hpp>

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>

#include <ostream>

#include <doctest/doctest.h>

#include "same_job.hpp"
#include "sample_database.hpp"

using namespace certherd;
using namespace certherd::test;
using certherd::journal::Journal;

namespace {

/// Executes the statements of a text; each begins a line, and what continues it is indented.
void execute(const std::filesystem::path& path, const std::string& statements) {
  Poco::Data::SQLite::Connector::registerConnector();
  Poco::Data::Session session("SQLite", path.string());
  Texts whole;
  for (const auto& line : split(statements, '\n')) {
    if (line.starts_with(' ')) {
      whole.back() += line;
    } else if (!line.empty()) {
      whole.push_back(line);
    }
  }
  for (const auto& statement : whole) session << statement, Poco::Data::Keywords::now;
}

/// Schema 1 as it was released: never to be changed.
const std::string version_1 = R"(
CREATE TABLE schema_version (version INTEGER NOT NULL)
INSERT INTO schema_version (version) VALUES (1)
CREATE TABLE runs (id VARCHAR(200) PRIMARY KEY, certificate TEXT NOT NULL, domains TEXT NOT NULL, provider
  TEXT NOT NULL, account TEXT NOT NULL, ca TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, started
  BIGINT NOT NULL, ended BIGINT, outcome TEXT)
CREATE INDEX runs_by_certificate ON runs (certificate, started)
CREATE INDEX runs_by_start ON runs (started)
CREATE TABLE attempts (run VARCHAR(200) NOT NULL, number INTEGER NOT NULL, started BIGINT NOT NULL, ended
  BIGINT NOT NULL, certbot_version TEXT NOT NULL, command_line TEXT NOT NULL, exit_code INTEGER, signal_number
  INTEGER, user_ms BIGINT NOT NULL, system_ms BIGINT NOT NULL, max_rss_kib BIGINT NOT NULL, PRIMARY KEY (run,
  number))
CREATE TABLE phases (run VARCHAR(200) NOT NULL, attempt INTEGER NOT NULL, position INTEGER NOT NULL, phase
  TEXT NOT NULL, started BIGINT NOT NULL, duration_ms BIGINT NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY
  (run, attempt, position))
CREATE TABLE failures (run VARCHAR(200) NOT NULL, attempt INTEGER NOT NULL, class TEXT NOT NULL, phase TEXT,
  error TEXT NOT NULL, problem_type TEXT NOT NULL, problem_detail TEXT NOT NULL, problem_domain TEXT NOT NULL,
  hint TEXT NOT NULL, fix TEXT NOT NULL, retry_after BIGINT, PRIMARY KEY (run, attempt))
CREATE TABLE generations (run VARCHAR(200) PRIMARY KEY, certificate TEXT NOT NULL, number INTEGER NOT NULL,
  directory TEXT NOT NULL, domains TEXT NOT NULL, serial_number TEXT NOT NULL, issuer TEXT NOT NULL, key_type
  TEXT NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL)
CREATE TABLE hook_jobs (run VARCHAR(200) NOT NULL, position INTEGER NOT NULL, hook TEXT NOT NULL, event TEXT
  NOT NULL, done INTEGER NOT NULL, tries INTEGER NOT NULL, started BIGINT NOT NULL, duration_ms BIGINT NOT
  NULL, error TEXT NOT NULL, output TEXT NOT NULL, PRIMARY KEY (run, position))
CREATE INDEX hook_jobs_by_state ON hook_jobs (done)
CREATE TABLE audit_head (id INTEGER PRIMARY KEY, seq BIGINT NOT NULL, hash TEXT NOT NULL)
)";

const std::string rows_1 = R"(
INSERT INTO runs VALUES ('run-1', 'example.com', 'example.com', 'cloudflare', 'main', 'letsencrypt',
  'scheduler', 'missing', 1000, 2000, 'deployed, hook failed')
INSERT INTO hook_jobs VALUES ('run-1', 1, 'reload', 'deployed', 1, 1, 1500, 40, '', 'reloaded')
INSERT INTO hook_jobs VALUES ('run-1', 2, 'tell', 'deployed', 0, 3, 1600, 50, 'HTTP status 500', '')
INSERT INTO hook_jobs VALUES ('gone', 1, 'tell', 'failed', 0, 0, 0, 0, '', '')
INSERT INTO audit_head VALUES (1, 7, 'ab')
)";

}  // namespace

TEST_SUITE("journal/migration") {
  TEST_CASE("a database of schema 1 with its rows") {
    const TempDir dir;
    const auto path = dir.path() / "certherd.db";
    execute(path, version_1 + rows_1);
    CHECK(Journal::open(path, Journal::Mode::read_only).fault().message ==
          "the database " + path.string() + " has the older schema 1");
    for (int opened = 0; opened < 2; ++opened) {
      const auto journal = Journal::open(path, Journal::Mode::read_write).or_throw();
      const auto run = journal->find_run("run-1");
      REQUIRE(run);
      CHECK(run->outcome == Outcome::deployed_hook_failed);
      CHECK(journal->last_deployed().at("example.com").id == "run-1");
      CHECK(journal->audit_head()->seq == 7);
      REQUIRE(run->hook_jobs.size() == 2);
      HookJob reload = sample_job("run-1", 1, "reload");
      reload.done = true;
      reload.tries = 1;
      reload.started = TimePoint(Milliseconds(1500));
      reload.duration = Milliseconds(40);
      reload.output = "reloaded";
      check_same(run->hook_jobs[0], reload);
      HookJob tell = sample_job("run-1", 2, "tell");
      tell.tries = 3;
      tell.started = TimePoint(Milliseconds(1600));
      tell.duration = Milliseconds(50);
      tell.error = "HTTP status 500";
      check_same(run->hook_jobs[1], tell);
      const auto owed = journal->owed_hook_jobs();
      REQUIRE(owed.size() == 2);
      CHECK(owed[0].run == "gone");
      CHECK(owed[0].certificate == "");
      check_same(owed[1], tell);
      CHECK(journal->states().empty());
      CHECK(journal->buckets().empty());
    }
  }

  TEST_CASE("a step that fails leaves the older schema whole") {
    const TempDir dir;
    const auto path = dir.path() / "certherd.db";
    execute(path, version_1 + rows_1 + "CREATE TABLE rate_buckets (other TEXT)");
    const auto journal = Journal::open(path, Journal::Mode::read_write);
    REQUIRE_FALSE(journal);
    CHECK(journal.fault().message.starts_with("cannot open the database " + path.string() + ": "));
    CHECK(contains(journal.fault().message, "rate_buckets"));
    Poco::Data::Session session("SQLite", path.string());
    int version = 0;
    int tables = 0;
    int owed = 0;
    using namespace Poco::Data::Keywords;
    session << "SELECT version FROM schema_version", into(version), now;
    session << "SELECT COUNT(*) FROM sqlite_master WHERE name = 'certificate_states'", into(tables), now;
    session << "SELECT COUNT(*) FROM hook_jobs WHERE done = 0", into(owed), now;
    CHECK(version == 1);
    CHECK(tables == 0);
    CHECK(owed == 2);
  }
}
