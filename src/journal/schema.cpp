#include <Poco/Data/Transaction.h>

#include <array>
#include <vector>

#include "database.hpp"

// Portable SQL: BIGINT milliseconds for times, INTEGER 0 and 1 for truth, ON CONFLICT for upserts. A step that has been
// released is never changed; the next change of the schema is a new step at the end.

namespace certherd::journal {
namespace {

using Poco::Data::Keywords::now;
using Step = std::vector<const char*>;

const Step& first_step() {
  static const Step step{
      "CREATE TABLE schema_version (version INTEGER NOT NULL)",
      "INSERT INTO schema_version (version) VALUES (0)",
      // domains: one a line
      "CREATE TABLE runs (id VARCHAR(200) PRIMARY KEY, certificate TEXT NOT NULL, domains TEXT NOT NULL, "
      "provider TEXT NOT NULL, account TEXT NOT NULL, ca TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, "
      "started BIGINT NOT NULL, ended BIGINT, outcome TEXT)",
      "CREATE INDEX runs_by_certificate ON runs (certificate, started)",
      "CREATE INDEX runs_by_start ON runs (started)",
      "CREATE TABLE attempts (run VARCHAR(200) NOT NULL, number INTEGER NOT NULL, started BIGINT NOT NULL, "
      "ended BIGINT NOT NULL, certbot_version TEXT NOT NULL, command_line TEXT NOT NULL, exit_code INTEGER, "
      "signal_number INTEGER, user_ms BIGINT NOT NULL, system_ms BIGINT NOT NULL, max_rss_kib BIGINT NOT NULL, "
      "PRIMARY KEY (run, number))",
      // attempt: 0 is the Run as a whole, here and in failures
      "CREATE TABLE phases (run VARCHAR(200) NOT NULL, attempt INTEGER NOT NULL, position INTEGER NOT NULL, "
      "phase TEXT NOT NULL, started BIGINT NOT NULL, duration_ms BIGINT NOT NULL, failed INTEGER NOT NULL, "
      "PRIMARY KEY (run, attempt, position))",
      "CREATE TABLE failures (run VARCHAR(200) NOT NULL, attempt INTEGER NOT NULL, class TEXT NOT NULL, phase TEXT, "
      "error TEXT NOT NULL, problem_type TEXT NOT NULL, problem_detail TEXT NOT NULL, problem_domain TEXT NOT NULL, "
      "hint TEXT NOT NULL, fix TEXT NOT NULL, retry_after BIGINT, PRIMARY KEY (run, attempt))",
      "CREATE TABLE generations (run VARCHAR(200) PRIMARY KEY, certificate TEXT NOT NULL, number INTEGER NOT NULL, "
      "directory TEXT NOT NULL, domains TEXT NOT NULL, serial_number TEXT NOT NULL, issuer TEXT NOT NULL, "
      "key_type TEXT NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL)",
      "CREATE TABLE hook_jobs (run VARCHAR(200) NOT NULL, position INTEGER NOT NULL, hook TEXT NOT NULL, "
      "event TEXT NOT NULL, done INTEGER NOT NULL, tries INTEGER NOT NULL, started BIGINT NOT NULL, "
      "duration_ms BIGINT NOT NULL, error TEXT NOT NULL, output TEXT NOT NULL, PRIMARY KEY (run, position))",
      "CREATE INDEX hook_jobs_by_state ON hook_jobs (done)",
      "CREATE TABLE audit_head (id INTEGER PRIMARY KEY, seq BIGINT NOT NULL, hash TEXT NOT NULL)",
  };
  return step;
}

const char* const certificate_states =
    "CREATE TABLE certificate_states (certificate VARCHAR(200) PRIMARY KEY, failures INTEGER NOT NULL, "
    "failure_class TEXT, failed_at BIGINT NOT NULL, retry_at BIGINT, fingerprint TEXT NOT NULL, "
    // window_*: all of them or none, as window_ari_id
    "window_ari_id TEXT, window_start BIGINT NOT NULL, window_end BIGINT NOT NULL, window_url TEXT NOT NULL, "
    "window_moment BIGINT NOT NULL, window_fetched BIGINT NOT NULL, window_next_check BIGINT NOT NULL, "
    "failed_told BIGINT, expiring_told BIGINT, expiring_serial TEXT NOT NULL, revoked_serial TEXT NOT NULL, "
    "profile TEXT NOT NULL, window_obeyed BIGINT)";

const char* const rate_buckets =
    "CREATE TABLE rate_buckets (ca VARCHAR(200) NOT NULL, limit_name VARCHAR(200) NOT NULL, "
    "bucket_key VARCHAR(2000) NOT NULL, tokens DOUBLE PRECISION NOT NULL, counted_at BIGINT NOT NULL, "
    "PRIMARY KEY (ca, limit_name, bucket_key))";

/// What is remembered between Runs, the rate limits' buckets, and HookJobs that are tried again, batched or dropped.
const Step& second_step() {
  static const Step step{
      certificate_states,
      rate_buckets,
      // state: owed, done or dropped; it takes the place of done
      "ALTER TABLE hook_jobs ADD COLUMN state VARCHAR(20) NOT NULL DEFAULT 'owed'",
      "UPDATE hook_jobs SET state = 'done' WHERE done = 1",
      "DROP INDEX hook_jobs_by_state",
      "ALTER TABLE hook_jobs DROP COLUMN done",
      "ALTER TABLE hook_jobs ADD COLUMN certificate TEXT NOT NULL DEFAULT ''",
      "UPDATE hook_jobs SET certificate = COALESCE((SELECT r.certificate FROM runs r WHERE r.id = hook_jobs.run), '')",
      "ALTER TABLE hook_jobs ADD COLUMN next_try BIGINT",
      "ALTER TABLE hook_jobs ADD COLUMN ran_with TEXT NOT NULL DEFAULT ''",
      "CREATE INDEX hook_jobs_by_state ON hook_jobs (state)",
      "CREATE INDEX hook_jobs_by_certificate ON hook_jobs (certificate)",
      "CREATE INDEX runs_by_outcome ON runs (certificate, outcome, started)",
  };
  return step;
}

/// What a Run's preflight found.
const Step& third_step() {
  static const Step step{
      "CREATE TABLE findings (run VARCHAR(200) NOT NULL, position INTEGER NOT NULL, severity TEXT NOT NULL, "
      "topic TEXT NOT NULL, domain TEXT NOT NULL, seen TEXT NOT NULL, fix TEXT NOT NULL, PRIMARY KEY (run, position))",
  };
  return step;
}

/// What the authoritative servers showed while certbot waited, and whether certherd ended that wait.
const Step& fourth_step() {
  static const Step step{
      "ALTER TABLE attempts ADD COLUMN wait_ended_ms BIGINT",
      "CREATE TABLE visibility (run VARCHAR(200) NOT NULL, attempt INTEGER NOT NULL, position INTEGER NOT NULL, "
      "server TEXT NOT NULL, address TEXT NOT NULL, visible_ms BIGINT, error TEXT NOT NULL, "
      "PRIMARY KEY (run, attempt, position))",
  };
  return step;
}

/// What earlier waits with an Account's credentials were like is asked before each new one.
const Step& fifth_step() {
  static const Step step{"CREATE INDEX runs_by_account ON runs (provider, account, started)"};
  return step;
}

const std::array<Step, 5>& steps() {
  static const std::array<Step, 5> all{first_step(), second_step(), third_step(), fourth_step(), fifth_step()};
  return all;
}

}  // namespace

int schema_version() {
  return static_cast<int>(steps().size());
}

void migrate(Poco::Data::Session& session, int from) {
  for (int version = from; version < schema_version(); ++version) {
    Poco::Data::Transaction transaction(session);
    for (const char* statement : steps()[static_cast<std::size_t>(version)]) session << statement, now;
    session << "UPDATE schema_version SET version = " << version + 1, now;
    transaction.commit();
  }
}

}  // namespace certherd::journal
