#include <Poco/Data/Session.h>

#include "journal_impl.hpp"
#include "rows.hpp"

namespace certherd::journal {
namespace {

using namespace Poco::Data::Keywords;
using Poco::Int64;
using Poco::Data::Session;

/// Of a Run as a whole, among its Attempts.
constexpr int whole_run = 0;

std::string text(std::string_view view) {
  return std::string(view);
}

void save_phases(Session& session, const std::string& run, int attempt, const PhaseTimeline& timeline) {
  session << "DELETE FROM phases WHERE run = ? AND attempt = ?", bind(run), bind(attempt), now;
  int position = 0;
  for (const auto& span : timeline.spans) {
    session << "INSERT INTO phases (run, attempt, position, phase, started, duration_ms, failed) "
               "VALUES (?, ?, ?, ?, ?, ?, ?)",
        bind(run), bind(attempt), bind(++position), bind(text(to_string(span.phase))), bind(to_column(span.start)),
        bind(Int64(span.duration.count())), bind(span.failed ? 1 : 0), now;
  }
}

void save_failure(Session& session, const std::string& run, int attempt, const std::optional<Failure>& failure) {
  session << "DELETE FROM failures WHERE run = ? AND attempt = ?", bind(run), bind(attempt), now;
  if (!failure) return;
  const auto phase = failure->phase ? std::optional(text(to_string(*failure->phase))) : std::nullopt;
  session << "INSERT INTO failures (run, attempt, class, phase, error, problem_type, problem_detail, problem_domain, "
             "hint, fix, retry_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      bind(run), bind(attempt), bind(text(to_string(failure->failure_class))), bind(nullable<std::string>(phase)),
      bind(failure->error), bind(failure->problem_type), bind(failure->problem_detail), bind(failure->problem_domain),
      bind(failure->hint), bind(failure->fix), bind(nullable_seconds(failure->retry_after)), now;
}

void save_generation(Session& session, const std::string& run, const std::optional<Generation>& generation) {
  session << "DELETE FROM generations WHERE run = ?", bind(run), now;
  if (!generation) return;
  const auto& facts = generation->facts;
  session << "INSERT INTO generations (run, certificate, number, directory, domains, serial_number, issuer, key_type, "
             "not_before, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      bind(run), bind(generation->certificate), bind(generation->number), bind(generation->directory),
      bind(to_column(facts.domains)), bind(facts.serial), bind(facts.issuer), bind(facts.key),
      bind(to_column(facts.not_before)), bind(to_column(facts.not_after)), now;
}

void save_visibility(Session& session, const std::string& run, const Attempt& attempt) {
  session << "DELETE FROM visibility WHERE run = ? AND attempt = ?", bind(run), bind(attempt.number), now;
  int position = 0;
  for (const auto& server : attempt.visibility)
    session << "INSERT INTO visibility (run, attempt, position, server, address, visible_ms, error) "
               "VALUES (?, ?, ?, ?, ?, ?, ?)",
        bind(run), bind(attempt.number), bind(position++), bind(server.server), bind(server.address),
        bind(nullable_milliseconds(server.visible_after)), bind(server.error), now;
}

void save_findings(Session& session, const std::string& run, const std::vector<Finding>& findings) {
  session << "DELETE FROM findings WHERE run = ?", bind(run), now;
  int position = 0;
  for (const auto& finding : findings)
    session << "INSERT INTO findings (run, position, severity, topic, domain, seen, fix) VALUES (?, ?, ?, ?, ?, ?, ?)",
        bind(run), bind(position++), bind(text(to_string(finding.severity))), bind(text(to_string(finding.topic))),
        bind(finding.domain), bind(finding.seen), bind(finding.fix), now;
}

}  // namespace

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& path, Mode mode, Milliseconds patience) {
  auto session = open_database(path, mode == Mode::read_only, patience);
  if (!session) return session.fault();
  return std::unique_ptr<Journal>(new Journal(std::make_unique<Impl>(path, patience, *std::move(session))));
}

void Journal::begin_run(const Run& run) {
  impl_->write([&](Session& session) {
    session << "INSERT INTO runs (id, certificate, domains, provider, account, ca, actor, reason, started) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        bind(run.id), bind(run.certificate), bind(to_column(run.domains)), bind(run.provider), bind(run.account),
        bind(run.ca), bind(to_string(run.actor)), bind(run.reason), bind(to_column(run.started)), now;
  });
}

void Journal::save_attempt(const std::string& run, const Attempt& attempt) {
  impl_->write([&](Session& session) {
    session << "DELETE FROM attempts WHERE run = ? AND number = ?", bind(run), bind(attempt.number), now;
    session << "INSERT INTO attempts (run, number, started, ended, certbot_version, command_line, exit_code, "
               "signal_number, user_ms, system_ms, max_rss_kib, wait_ended_ms) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        bind(run), bind(attempt.number), bind(to_column(attempt.started)), bind(to_column(attempt.ended)),
        bind(attempt.certbot_version), bind(attempt.command_line), bind(nullable<int>(attempt.exit_code)),
        bind(nullable<int>(attempt.signal)), bind(Int64(attempt.usage.user.count())),
        bind(Int64(attempt.usage.system.count())), bind(Int64(attempt.usage.max_rss_kib)),
        bind(nullable_milliseconds(attempt.wait_ended)), now;
    save_visibility(session, run, attempt);
    save_phases(session, run, attempt.number, attempt.timeline);
    save_failure(session, run, attempt.number, attempt.failure);
  });
}

void Journal::finish_run(const Run& run) {
  const auto outcome = run.outcome ? std::optional(text(to_string(*run.outcome))) : std::nullopt;
  impl_->write([&](Session& session) {
    session << "UPDATE runs SET ended = ?, outcome = ?, reason = ?, account = ? WHERE id = ?",
        bind(to_column(run.ended)), bind(nullable<std::string>(outcome)), bind(run.reason), bind(run.account),
        bind(run.id), now;
    save_phases(session, run.id, whole_run, run.timeline);
    save_failure(session, run.id, whole_run, run.failure);
    save_generation(session, run.id, run.generation);
    save_findings(session, run.id, run.findings);
  });
}

void Journal::save_audit_head(const AuditHead& head) {
  const auto seq = static_cast<Int64>(head.seq);
  impl_->write([&](Session& session) {
    session << "INSERT INTO audit_head (id, seq, hash) VALUES (1, ?, ?) "
               "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash "
               "WHERE audit_head.seq < excluded.seq",
        bind(seq), bind(head.hash), now;
  });
}

}  // namespace certherd::journal
