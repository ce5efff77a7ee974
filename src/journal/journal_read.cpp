#include <Poco/Data/Statement.h>
#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include <algorithm>

#include "journal_impl.hpp"
#include "rows.hpp"

namespace certherd::journal {
namespace {

using namespace Poco::Data::Keywords;
using Poco::Int64;
using Poco::Nullable;
using Poco::Tuple;
using Poco::Data::Session;
using Poco::Data::Statement;
using Text = std::string;

/// A Run and the Failure of the Run as a whole, all null when it has none.
using RunRow = Tuple<Text, Text, Text, Text, Text, Text, Text, Text, Int64, Nullable<Int64>, Nullable<Text>,
                     Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>,
                     Nullable<Text>, Nullable<Text>, Nullable<Int64>>;
const std::string select_runs =
    "SELECT r.id, r.certificate, r.domains, r.provider, r.account, r.ca, r.actor, r.reason, r.started, r.ended, "
    "r.outcome, f.class, f.phase, f.error, f.problem_type, f.problem_detail, f.problem_domain, f.hint, f.fix, "
    "f.retry_after FROM runs r LEFT JOIN failures f ON f.run = r.id AND f.attempt = 0 ";

using FailureRow = Tuple<int, Text, Nullable<Text>, Text, Text, Text, Text, Text, Text, Nullable<Int64>>;
const std::string select_failures =
    "SELECT attempt, class, phase, error, problem_type, problem_detail, problem_domain, hint, fix, retry_after "
    "FROM failures WHERE run = ? AND attempt > 0";

using AttemptRow =
    Tuple<int, Int64, Int64, Text, Text, Nullable<int>, Nullable<int>, Int64, Int64, Int64, Nullable<Int64>>;
const std::string select_attempts =
    "SELECT number, started, ended, certbot_version, command_line, exit_code, signal_number, user_ms, system_ms, "
    "max_rss_kib, wait_ended_ms FROM attempts WHERE run = ? ORDER BY number";

using PhaseRow = Tuple<int, Text, Int64, Int64, int>;
const std::string select_phases =
    "SELECT attempt, phase, started, duration_ms, failed FROM phases WHERE run = ? ORDER BY attempt, position";

using GenerationRow = Tuple<Text, int, Text, Text, Text, Text, Text, Int64, Int64>;
const std::string select_generation =
    "SELECT certificate, number, directory, domains, serial_number, issuer, key_type, not_before, not_after "
    "FROM generations WHERE run = ?";

using VisibilityRow = Tuple<int, Text, Text, Nullable<Int64>, Text>;
const std::string select_visibility =
    "SELECT attempt, server, address, visible_ms, error FROM visibility WHERE run = ? ORDER BY attempt, position";

using FindingRow = Tuple<Text, Text, Text, Text, Text>;
const std::string select_findings =
    "SELECT severity, topic, domain, seen, fix FROM findings WHERE run = ? ORDER BY position";

std::optional<Phase> phase_from(const Nullable<Text>& column) {
  return column.isNull() ? std::nullopt : parse_phase(column.value());
}

Failure failure_from(const FailureRow& row) {
  return {class_from(row.get<1>()),
          phase_from(row.get<2>()),
          row.get<3>(),
          row.get<4>(),
          row.get<5>(),
          row.get<6>(),
          row.get<7>(),
          row.get<8>(),
          optional_from<Seconds>(row.get<9>())};
}

Run run_from(const RunRow& row) {
  Run run;
  run.id = row.get<0>();
  run.certificate = row.get<1>();
  run.domains = domains_from(row.get<2>());
  run.provider = row.get<3>();
  run.account = row.get<4>();
  run.ca = row.get<5>();
  run.actor = parse_actor(row.get<6>()).value_or(Actor{});
  run.reason = row.get<7>();
  run.started = time_from(row.get<8>());
  if (!row.get<9>().isNull()) run.ended = time_from(row.get<9>().value());
  if (!row.get<10>().isNull()) run.outcome = parse_outcome(row.get<10>().value());
  if (row.get<11>().isNull()) return run;
  run.failure = Failure{class_from(row.get<11>().value()),
                        phase_from(row.get<12>()),
                        row.get<13>().value(),
                        row.get<14>().value(),
                        row.get<15>().value(),
                        row.get<16>().value(),
                        row.get<17>().value(),
                        row.get<18>().value(),
                        optional_from<Seconds>(row.get<19>())};
  return run;
}

std::vector<Run> runs_from(const std::vector<RunRow>& rows) {
  std::vector<Run> runs;
  runs.reserve(rows.size());
  for (const auto& row : rows) runs.push_back(run_from(row));
  return runs;
}

Attempt attempt_from(const AttemptRow& row) {
  Attempt attempt;
  attempt.number = row.get<0>();
  attempt.started = time_from(row.get<1>());
  attempt.ended = time_from(row.get<2>());
  attempt.certbot_version = row.get<3>();
  attempt.command_line = row.get<4>();
  attempt.exit_code = optional_from<int>(row.get<5>());
  attempt.signal = optional_from<int>(row.get<6>());
  attempt.usage = {Milliseconds(row.get<7>()), Milliseconds(row.get<8>()), static_cast<long>(row.get<9>())};
  attempt.wait_ended = optional_from<Milliseconds>(row.get<10>());
  return attempt;
}

Generation generation_from(const GenerationRow& row) {
  CertificateFacts facts;
  facts.domains = domains_from(row.get<3>());
  facts.serial = row.get<4>();
  facts.issuer = row.get<5>();
  facts.key = row.get<6>();
  facts.not_before = time_from(row.get<7>());
  facts.not_after = time_from(row.get<8>());
  return {row.get<0>(), row.get<1>(), row.get<2>(), std::move(facts)};
}

Attempt* find_attempt(Run& run, int number) {
  for (auto& attempt : run.attempts)
    if (attempt.number == number) return &attempt;
  return nullptr;
}

/// Everything that history() leaves out.
void complete(Session& session, Run& run) {
  std::vector<AttemptRow> attempts;
  session << select_attempts, bind(run.id), into(attempts), now;
  for (const auto& row : attempts) run.attempts.push_back(attempt_from(row));

  std::vector<FailureRow> failures;
  session << select_failures, bind(run.id), into(failures), now;
  for (const auto& row : failures)
    if (Attempt* attempt = find_attempt(run, row.get<0>())) attempt->failure = failure_from(row);

  std::vector<PhaseRow> phases;
  session << select_phases, bind(run.id), into(phases), now;
  for (const auto& row : phases) {
    Attempt* attempt = find_attempt(run, row.get<0>());
    const auto phase = parse_phase(row.get<1>());
    if (!phase || (row.get<0>() != 0 && !attempt)) continue;
    auto& timeline = attempt ? attempt->timeline : run.timeline;
    timeline.spans.push_back({*phase, time_from(row.get<2>()), Milliseconds(row.get<3>()), row.get<4>() != 0});
  }

  std::vector<VisibilityRow> visibility;
  session << select_visibility, bind(run.id), into(visibility), now;
  for (const auto& row : visibility)
    if (Attempt* attempt = find_attempt(run, row.get<0>()))
      attempt->visibility.push_back(
          {row.get<1>(), row.get<2>(), optional_from<Milliseconds>(row.get<3>()), row.get<4>()});

  std::vector<GenerationRow> generations;
  session << select_generation, bind(run.id), into(generations), now;
  if (!generations.empty()) run.generation = generation_from(generations.front());

  std::vector<FindingRow> findings;
  session << select_findings, bind(run.id), into(findings), now;
  for (const auto& row : findings) {
    const auto severity = parse_severity(row.get<0>());
    const auto topic = parse_topic(row.get<1>());
    if (severity && topic) run.findings.push_back({*severity, *topic, row.get<2>(), row.get<3>(), row.get<4>()});
  }

  run.hook_jobs = hook_jobs_of(session, run.id);
}

/// A pattern for LIKE … ESCAPE '!' that matches what begins with the text.
std::string beginning_with(const std::string& text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

std::vector<Run> Journal::history(const HistoryFilter& filter) {
  return impl_->read([&](Session& session) {
    std::string query = select_runs + "WHERE 1 = 1";
    if (filter.certificate) query += " AND r.certificate = ?";
    if (filter.failed_only) query += " AND r.outcome IN (?, ?, ?)";
    if (filter.unfinished_only) query += " AND r.outcome IS NULL";
    if (filter.since) query += " AND r.started >= ?";
    query += " ORDER BY r.started DESC, r.id DESC";
    if (filter.limit) query += " LIMIT ?";

    std::vector<RunRow> rows;
    Statement statement(session);
    statement << query, into(rows);
    if (filter.certificate) statement, bind(*filter.certificate);
    if (filter.failed_only) {
      statement, bind(Text(to_string(Outcome::failed))), bind(Text(to_string(Outcome::blocked))),
          bind(Text(to_string(Outcome::deployed_hook_failed)));
    }
    if (filter.since) statement, bind(to_column(*filter.since));
    if (filter.limit) statement, bind(static_cast<Int64>(*filter.limit));
    statement.execute();
    return runs_from(rows);
  });
}

std::vector<Run> Journal::last_runs() {
  return impl_->read([&](Session& session) {
    std::vector<RunRow> rows;
    session << select_runs
            << "JOIN (SELECT certificate, MAX(started) AS newest FROM runs GROUP BY certificate) l "
               "ON l.certificate = r.certificate AND l.newest = r.started ORDER BY r.certificate, r.id DESC",
        into(rows), now;
    // Two Runs of one certificate may have begun in the same millisecond.
    const auto same = [](const RunRow& a, const RunRow& b) { return a.get<1>() == b.get<1>(); };
    rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
    return runs_from(rows);
  });
}

std::map<std::string, Run> Journal::last_deployed() {
  return impl_->read([&](Session& session) {
    const Text whole(to_string(Outcome::deployed));
    const Text but_hook(to_string(Outcome::deployed_hook_failed));
    // One that was interrupted may have published too: its Generation says so.
    const Text published = "(outcome IN (?, ?) OR id IN (SELECT run FROM generations))";
    std::vector<RunRow> rows;
    session << select_runs << "JOIN (SELECT certificate, MAX(started) AS newest FROM runs WHERE " << published
            << " GROUP BY certificate) l ON l.certificate = r.certificate AND l.newest = r.started WHERE " << published
            << " ORDER BY r.id",
        bind(whole), bind(but_hook), bind(whole), bind(but_hook), into(rows), now;
    std::map<std::string, Run> runs;
    // Of two in the same millisecond the one with the later id stays.
    for (const auto& row : rows) runs.insert_or_assign(row.get<1>(), run_from(row));
    return runs;
  });
}

Result<Run> Journal::find_run(const std::string& id) {
  return impl_->read([&](Session& session) -> Result<Run> {
    std::vector<RunRow> rows;
    session << select_runs << "WHERE r.id = ?", bind(id), into(rows), now;
    if (rows.empty() && !id.empty()) {
      session << select_runs << "WHERE r.id LIKE ? ESCAPE '!' ORDER BY r.id LIMIT 4", bind(beginning_with(id)),
          into(rows), now;
    }
    if (rows.empty()) return Fault{"there is no run '" + printable(id) + "'", "'certherd history' lists the runs", {}};
    if (rows.size() > 1) {
      std::vector<std::string> ids;
      ids.reserve(rows.size());
      for (const auto& row : rows) ids.push_back(row.get<0>());
      if (ids.size() > 3) ids.back() = "…";
      return Fault{"several runs begin with '" + printable(id) + "': " + join(ids, ", "), "write more of the id", {}};
    }
    Run run = run_from(rows.front());
    complete(session, run);
    return run;
  });
}

std::optional<AuditHead> Journal::audit_head() {
  return impl_->read([&](Session& session) -> std::optional<AuditHead> {
    std::vector<Tuple<Int64, Text>> rows;
    session << "SELECT seq, hash FROM audit_head", into(rows), now;
    if (rows.empty()) return std::nullopt;
    return AuditHead{static_cast<std::uint64_t>(rows.front().get<0>()), rows.front().get<1>()};
  });
}

}  // namespace certherd::journal
