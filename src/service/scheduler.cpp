#include <certherd/hooks/context.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/renewal/notices.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/renewal/window.hpp>
#include <certherd/service/scheduler.hpp>
#include <certherd/store/current.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <time.h>

#include <algorithm>

#include "now.hpp"
#include "trouble.hpp"

namespace certherd::service {
namespace {

namespace asio = boost::asio;

/// The wall clock is read anew at least so often: no timer outlives a suspend or a step of the clock by more.
constexpr Seconds longest_sleep{60};
/// A Certificate is looked at at least so often, whatever its plan says: notices may be due, and somebody may have
/// touched the store.
constexpr auto longest_plan = std::chrono::duration<double>(3600);
/// In one pass; the loop has others to serve.
constexpr std::size_t looks_at_once = 128;
/// How often it is looked whether what a failure needs has changed.
constexpr Seconds change_check{60};
/// The longest that a CA's word about its next answer is kept; also mends what a wrong clock has written.
constexpr std::chrono::hours longest_renewal_info{24};
constexpr std::chrono::hours tidy_interval{24};
constexpr Seconds change_interval{1};

/// Time since the boot, suspends included.
Milliseconds since_boot() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return Milliseconds(time.tv_sec * 1000LL + time.tv_nsec / 1'000'000);
}

/// A time that has certainly passed: that of the newest record.
std::optional<TimePoint> newest_record(State& state) {
  journal::HistoryFilter newest;
  newest.limit = 1;
  std::optional<TimePoint> time;
  for (const auto& run : state.journal->history(newest)) time = std::max(run.started, run.ended);
  return time;
}

}  // namespace

Scheduler::Scheduler(asio::any_io_executor executor, asio::thread_pool& pool, State& state, Supervisor& supervisor,
                     os::StopSignal& stop)
    : executor_(executor),
      pool_(pool),
      state_(state),
      supervisor_(supervisor),
      stop_(stop),
      timer_(executor),
      clock_(newest_record(state)) {
  supervisor_.ended = [this](const std::string& name) { replan(name); };
}

void Scheduler::replan_all() {
  agenda_.clear();
  renewal_info_.clear();
  lines_.clear();
  const auto at = now();
  for (const auto& [name, entry] : supervisor_.roster().entries()) agenda_.set(name, at);
  timer_.cancel();
}

/// A CA is asked when it said that it wants to be, also after a Run that failed.
void Scheduler::plan_renewal_info(const Entry& entry, TimePoint at) {
  if (!entry.current || entry.current->facts.ari_id.empty()) return;
  const auto& window = entry.state.window;
  const bool known = window && window->ari_id == entry.current->facts.ari_id;
  renewal_info_.set(entry.certificate->name,
                    known ? std::min<TimePoint>(window->next_check, at + longest_renewal_info) : at);
}

void Scheduler::replan(const std::string& certificate) {
  const auto at = now();
  agenda_.set(certificate, at);
  if (const Entry* entry = supervisor_.roster().find(certificate)) plan_renewal_info(*entry, at);
  timer_.cancel();
}

asio::awaitable<void> Scheduler::run() {
  for (int worker = 0; worker < 4; ++worker) asio::co_spawn(executor_, watch_renewal_info(), asio::detached);
  while (!stop_.requested()) {
    observe_clock();
    // What a failure depends on may have come with a package.
    const auto awaited = change_awaited();
    if (awaited.value_or(false)) co_await supervisor_.installed();
    if (!tidied_ || now() >= *tidied_ + tidy_interval) {
      tidied_ = now();
      co_await supervisor_.ledger().tidy(supervisor_.roster().settings());
    }
    auto until = now() + TimePoint::duration(awaited ? longest_sleep : change_interval);
    if (!clock_.held()) {
      pass(now());
      if (const auto retry = supervisor_.hooks().next_retry(); retry && *retry <= now() && !retrying_hooks_)
        asio::co_spawn(executor_, retry_hooks(), asio::detached);
      until = std::min(until, agenda_.next().value_or(until));
      until = std::min(until, supervisor_.hooks().next_retry().value_or(until));
    }
    const auto sleep = std::clamp<TimePoint::duration>(until - now(), Milliseconds(1), longest_sleep);
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(sleep));
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

/// A clock that was set is believed when a CA confirms it, or when it is set back.
void Scheduler::observe_clock() {
  const bool was_held = clock_.held();
  if (clock_.observe(now(), since_boot()))
    os::log(os::LogLevel::warning,
            "the clock has been set by more than an hour: no scheduled run begins until a CA's clock agrees");
  if (clock_.held() && !confirming_) asio::co_spawn(executor_, confirm_clock(), asio::detached);
  if (was_held && !clock_.held()) {
    os::log(os::LogLevel::info, "the clock is as it was before: scheduled runs go on");
    replan_all();
  }
}

/// Whether a Certificate waits for somebody to change what its failure depends on. Each end of a Run wakes the
/// Scheduler, and this looks at all of them: nullopt when it has just done so.
std::optional<bool> Scheduler::change_awaited() {
  const auto moment = std::chrono::steady_clock::now();
  if (looked_for_change_ && moment < *looked_for_change_ + change_interval) return std::nullopt;
  looked_for_change_ = moment;
  const auto& entries = supervisor_.roster().entries();
  return std::any_of(entries.begin(), entries.end(), [](const auto& named) {
    const auto& failed = named.second.state.failure_class;
    return failed && renewal::retry_kind(*failed) == renewal::RetryKind::configuration;
  });
}

void Scheduler::pass(TimePoint now) {
  const auto begin = std::chrono::steady_clock::now();
  std::size_t looks = 0;
  for (; looks < looks_at_once; ++looks) {
    const auto name = agenda_.take_due(now);
    if (!name) break;
    look_at(*name, now);
  }
  if (looks == 0) return;
  const auto took = std::chrono::steady_clock::now() - begin;
  os::log(os::LogLevel::debug, "looked at " + std::to_string(looks) + " certificates in " +
                                   std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()) +
                                   " µs");
}

void Scheduler::look_at(const std::string& name, TimePoint now) {
  Roster& roster = supervisor_.roster();
  Entry* entry = roster.find(name);
  if (!entry || supervisor_.busy(name)) return;  // the end of the Run brings it back
  roster.refresh(*entry);
  if (!renewal_info_.when(name)) plan_renewal_info(*entry, now);
  const auto facts = entry->current ? std::optional(entry->current->facts) : std::nullopt;
  auto due = renewal::notices(entry->state, entry->state, facts, roster.settings().expiring, now);
  if (due.changed) {
    entry->state = std::move(due.state);
    tell(*entry, due.fire);
  }
  const auto decision = roster.decide(*entry, now);
  const bool nothing = decision.action == renewal::Decision::Action::nothing;
  entry->due = nothing ? decision.renew_at : decision.held_until.value_or(now);
  const auto until = waits_until(*entry, decision, now);
  if (!until) {
    asio::co_spawn(executor_, renew(name), asio::detached);
    return;
  }
  // Not all at the same time, when all were read at the start.
  const auto longest = longest_plan / 2 * (1 + renewal::unit_of(name));
  auto next = std::min(*until, now + std::chrono::duration_cast<TimePoint::duration>(longest));
  if (entry->state.failures > 0) next = std::min<TimePoint>(next, now + change_check);
  agenda_.set(name, std::max<TimePoint>(next, now + Seconds(1)));
}

/// Until when nothing is to be done for a Certificate, or what is due must wait; nullopt: it may go.
std::optional<TimePoint> Scheduler::waits_until(const Entry& entry, const renewal::Decision& decision, TimePoint now) {
  using Action = renewal::Decision::Action;
  std::optional<TimePoint> until;
  if (decision.action == Action::nothing) {
    until = std::max(decision.look_again, now);
  } else if (decision.held_until) {
    until = decision.held_until;
  } else if (decision.action == Action::issue && !may_order(entry, now, until)) {
    return until;
  }
  leave_line(entry.certificate->name, now);
  return until;
}

/// Whether the CA's rate limits allow an order now. Otherwise the Certificate stands in line, and the first in it comes
/// again at `until`; the others are called when it has gone.
bool Scheduler::may_order(const Entry& entry, TimePoint now, std::optional<TimePoint>& until) {
  const auto wait = supervisor_.ledger().wait(supervisor_.roster().settings(), *entry.certificate,
                                              supervisor_.is_renewal(entry), now);
  if (!wait) return true;
  const auto expires = entry.current ? std::optional(entry.current->facts.not_after) : std::nullopt;
  const bool first = lines_.stand(entry.certificate->name, wait->bucket, expires);
  until = first ? wait->until : TimePoint::max();
  return false;
}

void Scheduler::leave_line(const std::string& name, TimePoint now) {
  // By then the one that goes has mostly taken its token; if not, it is looked at once more when its turn comes.
  if (const auto next = lines_.leave(name)) agenda_.set(*next, now + Seconds(1));
}

asio::awaitable<void> Scheduler::renew(std::string name) {
  Wish wish;
  wish.certificate = name;
  wish.manual = false;
  const auto handled = co_await supervisor_.handle(std::move(wish));
  if (handled.run) co_return;  // its end has brought it back
  const auto later = now() + Seconds(60);
  agenda_.set(name, std::max(handled.held_until.value_or(later), now() + Seconds(1)));
}

void Scheduler::tell(Entry& entry, std::vector<HookEvent> events) {
  auto work = [](Scheduler* self, std::string name, CertificateState state, std::vector<HookEvent> events,
                 ConfigurationPtr configuration) -> asio::awaitable<void> {
    co_await self->save(std::move(state));
    const Certificate* certificate = configuration->settings.find(name);
    if (!certificate) co_return;
    for (const HookEvent event : events) {
      Run notice;
      notice.id = "notice-" + format_utc(now()) + "-" + name;
      notice.certificate = name;
      notice.domains = certificate->domains;
      notice.generation = store::current(configuration->settings.paths, name);
      auto context = hooks::context_of(event, notice, configuration->settings.paths);
      Redactor none;
      const auto jobs =
          co_await self->supervisor_.hooks().carry_out(configuration, *certificate, std::move(context), 0, none);
      for (const auto& job : jobs)
        if (!job.done) os::log(os::LogLevel::warning, name + ": " + job.error);
    }
  };
  for (const HookEvent event : events)
    os::log(os::LogLevel::warning, entry.certificate->name + ": " + std::string(hooks::to_string(event)));
  asio::co_spawn(
      executor_,
      work(this, entry.certificate->name, entry.state, std::move(events), supervisor_.roster().configuration()),
      asio::detached);
}

asio::awaitable<void> Scheduler::save(CertificateState state) {
  auto work = [this, state = std::move(state)] { return trouble_of([&] { state_.journal->save_state(state); }); };
  const auto trouble = co_await os::offload(pool_, std::move(work));
  if (!trouble.empty()) os::log(os::LogLevel::error, trouble);
}

asio::awaitable<void> Scheduler::retry_hooks() {
  retrying_hooks_ = true;
  co_await supervisor_.hooks().retry(supervisor_.roster().configuration(), false);
  retrying_hooks_ = false;
}

std::string Scheduler::status() const {
  std::string text = std::to_string(supervisor_.roster().entries().size()) + " certificates, " +
                     std::to_string(supervisor_.running()) + " running, " + std::to_string(supervisor_.waiting()) +
                     " waiting";
  int failing = 0;
  const std::string* next = nullptr;
  TimePoint due = TimePoint::max();
  for (const auto& [name, entry] : supervisor_.roster().entries()) {
    failing += entry.state.failures > 0 ? 1 : 0;
    if (entry.due >= due) continue;
    due = entry.due;
    next = &name;
  }
  if (failing > 0) text += ", " + std::to_string(failing) + " failing";
  if (clock_.held()) text += "; held: the clock has been set and no CA has confirmed it yet";
  if (next && !clock_.held()) text += "; next: " + *next + " at " + format_utc_minutes(due) + " UTC";
  return text;
}

std::vector<renewal::Reasoning> Scheduler::why(const std::string& certificate) {
  const Entry* entry = supervisor_.roster().find(certificate);
  if (!entry) return {};
  const auto at = now();
  auto decision = supervisor_.roster().decide(*entry, at, false, true);
  auto because = std::move(decision.because);
  const auto queued = supervisor_.why_waiting(certificate);
  if (!queued.empty()) because.push_back({queued, std::nullopt});
  if (decision.action == renewal::Decision::Action::nothing || !queued.empty()) return because;
  if (clock_.held()) because.push_back({"held: the clock was set, and no CA has confirmed it yet", std::nullopt});
  if (decision.action == renewal::Decision::Action::issue)
    if (const auto wait = supervisor_.ledger().wait(supervisor_.roster().settings(), *entry->certificate,
                                                    supervisor_.is_renewal(*entry), at))
      because.push_back({"held by a rate limit: " + wait->why, wait->until});
  return because;
}

}  // namespace certherd::service
