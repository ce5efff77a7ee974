#include "recovery.hpp"
#include "now.hpp"

#include <certherd/base/text.hpp>
#include <certherd/hooks/context.hpp>
#include <certherd/hooks/select.hpp>
#include <certherd/renewal/notices.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/store/current.hpp>

#include <algorithm>
#include <set>

namespace certherd::service {
namespace {

/// Runs whose end may lie between the journal and the audit log: more than can be under way at a time.
constexpr std::size_t last_ends = 1000;

/// What no Run that has its end has published, the one that was under way has.
std::optional<Generation> published_by(const Run& run, const std::map<std::string, Run>& deployed,
                                       journal::Journal& journal, const Paths& paths) {
  auto current = store::current(paths, run.certificate);
  if (!current) return std::nullopt;
  const auto last = deployed.find(run.certificate);
  if (last == deployed.end()) return current;
  const auto whole = journal.find_run(last->second.id);
  const bool known = whole && whole->generation && whole->generation->number >= current->number;
  return known ? std::nullopt : std::move(current);
}

/// What the Run would have done after publishing: its Hooks are owed, and failures before it are over.
void settle(const Run& run, const Certificate& certificate, State& state, const Settings& settings) {
  auto before = state.journal->state(run.certificate).value_or(CertificateState{});
  before.certificate = run.certificate;
  const auto replaced = store::previous(settings.paths, run.certificate);
  auto after = renewal::after_success(before, replaced ? std::optional(replaced->facts) : std::nullopt, now());
  after.profile = certificate.profile;
  auto due = renewal::notices(before, after, run.generation->facts, settings.expiring, now());
  auto events = std::move(due.fire);
  events.insert(events.begin(), HookEvent::deployed);
  std::vector<HookJob> owed;
  for (const HookEvent event : events)
    for (auto& job : hooks::jobs_for(event, certificate, settings.hooks, run.id, static_cast<int>(owed.size()))) {
      job.next_try = now();
      owed.push_back(std::move(job));
    }
  state.journal->save_hook_jobs(owed);
  state.journal->save_state(due.state);
}

void end_abandoned_runs(State& state, const Settings& settings) {
  journal::HistoryFilter abandoned;
  abandoned.unfinished_only = true;
  const auto runs = state.journal->history(abandoned);
  if (runs.empty()) return;
  const auto deployed = state.journal->last_deployed();
  for (auto run : runs) {
    run.generation = published_by(run, deployed, *state.journal, settings.paths);
    // With a HookJob on record the Run had come to its Hooks, and owes what it had not run.
    const auto whole = state.journal->find_run(run.id);
    const bool at_hooks = whole && !whole->hook_jobs.empty();
    const Certificate* certificate = settings.find(run.certificate);
    if (run.generation && certificate && !at_hooks) settle(run, *certificate, state, settings);
    run.ended = now();
    run.outcome = Outcome::interrupted;
    Failure& failure = run.failure.emplace();
    failure.failure_class = FailureClass::interrupted;
    failure.error = "certherd ended while this run was under way; this was noticed when it started again";
    state.journal->finish_run(run);
  }
}

std::string_view value_of(std::string_view line, std::string_view key) {
  const auto at = line.find(key);
  if (at == line.npos) return {};
  const auto value = line.substr(at + key.size());
  return value.substr(0, value.find_first_of("\",}"));
}

/// Each Run's end is written to the journal first, so that one may be missing from the audit log alone.
void complete_audit_log(State& state, const Settings& settings) {
  const auto lines = journal::tail(settings.paths.audit_log, 2 * last_ends).or_throw();
  const bool from_the_beginning =
      lines.empty() ? !state.journal->audit_head() : value_of(lines.front(), "{\"seq\":") == "1";
  // What ended before the oldest of these lines may stand before it, or in a file that has been thrown away.
  TimePoint since = from_the_beginning ? TimePoint::min() : TimePoint::max();
  if (!from_the_beginning && !lines.empty())
    if (const auto time = parse_utc(std::string(value_of(lines.front(), ",\"time\":\"")))) since = *time;
  std::set<std::string_view> told;
  for (const auto& line : lines) told.insert(value_of(line, ",\"run\":\""));
  journal::HistoryFilter newest;
  newest.limit = last_ends;
  auto runs = state.journal->history(newest);
  std::erase_if(runs, [&](const Run& run) { return told.contains(run.id) || run.ended <= since; });
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    const auto whole = state.journal->find_run(run->id).or_throw();
    state.journal->save_audit_head(state.audit.append(journal::audit_entry(whole, "recover")).or_throw());
  }
}

}  // namespace

void recover(State& state, const Settings& settings) {
  end_abandoned_runs(state, settings);
  complete_audit_log(state, settings);
}

}  // namespace certherd::service
