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

const std::array<Step, 1>& steps() {
  static const std::array<Step, 1> all{first_step()};
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
