#include <Poco/Data/Statement.h>
#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "journal_impl.hpp"
#include "rows.hpp"

namespace certherd::journal {
namespace {

using namespace Poco::Data::Keywords;
using Poco::Int64;
using Poco::Nullable;
using Poco::Data::Session;
using Text = std::string;

const Text owed = "owed";
const Text done = "done";
const Text dropped = "dropped";

using JobRow = Poco::Tuple<Text, int, Text, Text, Text, int, Int64, Int64, Text, Text, Text, Nullable<Int64>, Text>;
const Text columns =
    "run, position, hook, event, state, tries, started, duration_ms, error, output, certificate, next_try, ran_with";
const Text select_jobs = "SELECT " + columns + " FROM hook_jobs ";

std::vector<HookJob> jobs_from(const std::vector<JobRow>& rows) {
  std::vector<HookJob> jobs;
  jobs.reserve(rows.size());
  for (const auto& row : rows) {
    HookJob& job = jobs.emplace_back();
    job.run = row.get<0>();
    job.position = row.get<1>();
    job.hook = row.get<2>();
    job.event = row.get<3>();
    job.done = row.get<4>() == done;
    job.dropped = row.get<4>() == dropped;
    job.tries = row.get<5>();
    job.started = time_from(row.get<6>());
    job.duration = Milliseconds(row.get<7>());
    job.error = row.get<8>();
    job.output = row.get<9>();
    job.certificate = row.get<10>();
    job.next_try = optional_time(row.get<11>());
    job.ran_with = row.get<12>();
  }
  return jobs;
}

void save(Session& session, const HookJob& job) {
  const Text& state = job.done ? done : job.dropped ? dropped : owed;
  session << "DELETE FROM hook_jobs WHERE run = ? AND position = ?", bind(job.run), bind(job.position), now;
  session << "INSERT INTO hook_jobs (" << columns << ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", bind(job.run),
      bind(job.position), bind(job.hook), bind(job.event), bind(state), bind(job.tries), bind(to_column(job.started)),
      bind(Int64(job.duration.count())), bind(job.error), bind(job.output), bind(job.certificate),
      bind(nullable_time(job.next_try)), bind(job.ran_with), now;
}

}  // namespace

std::vector<HookJob> hook_jobs_of(Session& session, const std::string& run) {
  std::vector<JobRow> rows;
  session << select_jobs << "WHERE run = ? ORDER BY position", bind(run), into(rows), now;
  return jobs_from(rows);
}

void Journal::save_hook_job(const HookJob& job) {
  save_hook_jobs({&job, 1});
}

void Journal::save_hook_jobs(std::span<const HookJob> jobs) {
  if (jobs.empty()) return;
  impl_->write([&](Session& session) {
    for (const auto& job : jobs) save(session, job);
  });
}

std::vector<HookJob> Journal::owed_hook_jobs() {
  return impl_->read([&](Session& session) {
    std::vector<JobRow> rows;
    session << select_jobs << "WHERE state = ? ORDER BY run, position", bind(owed), into(rows), now;
    return jobs_from(rows);
  });
}

std::vector<HookJob> Journal::hook_jobs(const HookJobFilter& filter) {
  return impl_->read([&](Session& session) {
    Text query = select_jobs + "WHERE 1 = 1";
    if (filter.certificate) query += " AND certificate = ?";
    if (filter.hook) query += " AND hook = ?";
    if (filter.owed_only) query += " AND state = ?";
    query += " ORDER BY run DESC, position";
    if (filter.limit) query += " LIMIT ?";

    std::vector<JobRow> rows;
    Poco::Data::Statement statement(session);
    statement << query, into(rows);
    if (filter.certificate) statement, bind(*filter.certificate);
    if (filter.hook) statement, bind(*filter.hook);
    if (filter.owed_only) statement, bind(owed);
    if (filter.limit) statement, bind(static_cast<Int64>(*filter.limit));
    statement.execute();
    return jobs_from(rows);
  });
}

}  // namespace certherd::journal
