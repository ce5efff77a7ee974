#include <certherd/base/text.hpp>
#include <certherd/model/zones.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/service/orphans.hpp>
#include <certherd/service/supervisor.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "now.hpp"
#include "supervisor_job.hpp"
#include "trouble.hpp"

namespace certherd::service {
namespace {

namespace asio = boost::asio;

unsigned cores() {
  return std::max(1U, std::thread::hardware_concurrency());
}

std::uint64_t memory_bytes() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? std::uint64_t(info.totalram) * info.mem_unit : std::uint64_t(1) << 30;
}

/// A forked certbot shares two thirds of its memory with the others, and its start is done.
renewal::RunCost cost_of(const EngineDesk& engines) {
  const auto* const host = engines.in_memory();
  if (!host) return {};
  return {static_cast<std::uint64_t>(host->rss_kib) * 1024 / 3, renewal::cost_of_a_fork};
}

}  // namespace

/// Tells every observer, also those that come while a Run is under way.
class Supervisor::Fanout : public RunObserver {
public:
  explicit Fanout(std::set<RunObserver*>& observers) : observers_(observers) {}
  void run_started(const Run& run) override {
    tell([&](RunObserver& observer) { observer.run_started(run); });
  }
  void phase_started(const Run& run, Phase phase, TimePoint start, std::optional<Seconds> announced) override {
    tell([&](RunObserver& observer) { observer.phase_started(run, phase, start, announced); });
  }
  void certbot_said(const Run& run, std::string_view line) override {
    tell([&](RunObserver& observer) { observer.certbot_said(run, line); });
  }
  void warning(const Run& run, std::string_view text) override {
    tell([&](RunObserver& observer) { observer.warning(run, text); });
  }
  void run_finished(const Run& run) override {
    tell([&](RunObserver& observer) { observer.run_finished(run); });
  }

private:
  template <class Tell>
  void tell(const Tell& tell) {
    const auto observers = observers_;
    for (RunObserver* observer : observers)
      if (observers_.contains(observer)) tell(*observer);
  }
  std::set<RunObserver*>& observers_;
};

Supervisor::Supervisor(asio::any_io_executor executor, asio::thread_pool& pool, ConfigurationPtr configuration,
                       State& state, os::StopSignal& stop)
    : executor_(executor),
      pool_(pool),
      state_(state),
      stop_(stop),
      roster_(std::move(configuration), state.journal.get()),
      ledger_(*state.journal, pool),
      hooks_(executor, pool, *state.journal, stop),
      accounts_(executor),
      directories_(executor),
      preflight_(executor, directories_),
      engines_(executor, [this] { return running() > 1 || waiting() > 0; }),
      looking_(executor),
      queue_(limits(), renewal::default_ramp(cores(), cost_of(engines_))),
      ramp_(executor) {
  engines_.use(roster_.settings().certbot.engine);
  engines_.on_change([this] {
    measure();
    pump();
  });
}

/// Limits and ramp, as the configuration and what a certbot costs now say.
void Supervisor::measure() {
  queue_.set_limits(limits(), renewal::default_ramp(cores(), cost_of(engines_)));
}

renewal::Limits Supervisor::limits() const {
  const Settings& settings = roster_.settings();
  renewal::Limits limits;
  limits.total =
      settings.max_parallel.value_or(renewal::default_max_parallel(cores(), memory_bytes(), cost_of(engines_)));
  for (const auto& [id, account] : settings.accounts)
    if (account.max_parallel) limits.per_account[id] = *account.max_parallel;
  for (const auto& [id, ca] : settings.cas)
    if (ca.max_parallel) limits.per_ca[id] = *ca.max_parallel;
  return limits;
}

asio::awaitable<void> Supervisor::clear_up() {
  const int ended = co_await end_orphans(roster_.settings().paths, roster_.settings().certbot.grace, stop_);
  if (ended > 0)
    os::log(os::LogLevel::warning, "ended " + std::to_string(ended) + " certbots of an earlier life of certherd");
  co_await archive_forgotten();
}

/// Nothing is removed from disk: files, certbot's lineage and history stay for whoever still uses them.
asio::awaitable<void> Supervisor::archive_forgotten() {
  for (const auto& name : roster_.forgotten()) {
    os::log(os::LogLevel::warning, name + " is no longer configured: it is not renewed any more; its files stay in " +
                                       (roster_.settings().paths.store_dir / name).string());
    auto work = [this, name] {
      journal::AuditEntry entry;
      entry.time = now();
      entry.actor = to_string(Actor{});
      entry.action = "archive";
      entry.certificate = name;
      entry.reason = "no longer configured; its files and history stay";
      return trouble_of([&] {
        state_.journal->save_audit_head(state_.audit.append(entry).or_throw());
        state_.journal->remove_state(name);
      });
    };
    auto trouble = co_await os::offload(pool_, std::move(work));
    if (trouble.empty()) {
      roster_.drop_forgotten(name);
    } else {  // tried again at the next start or reload
      trouble.insert(0, ": that it is archived could not be written down: ").insert(0, name);
      os::log(os::LogLevel::error, trouble);
    }
  }
}

asio::awaitable<void> Supervisor::use(ConfigurationPtr configuration) {
  roster_.use(std::move(configuration));
  engines_.use(roster_.settings().certbot.engine);
  measure();
  co_await archive_forgotten();
  pump();
}

asio::awaitable<std::shared_ptr<const certbot::InstalledCertbot>> Supervisor::installed() {
  const auto turn = co_await looking_.wait();
  const Settings& settings = roster_.settings();
  auto found =
      co_await certbot::inspect_certbot(settings.certbot.executable, settings.paths.state_dir / "certbot.json", stop_);
  if (!found) {
    roster_.saw(nullptr);
    certbot_fault_ = found.fault();
    co_return nullptr;
  }
  certbot_fault_.reset();
  const auto known = roster_.installed();
  const bool same = known && known->version_text == found->version_text &&
                    known->authenticators == found->authenticators && known->executable == found->executable;
  if (same) co_return known;
  const auto installed = std::make_shared<const certbot::InstalledCertbot>(std::move(*found));
  roster_.saw(installed);
  for (const auto& broken : installed->broken) os::log(os::LogLevel::warning, "broken certbot plugin: " + broken);
  os::log(os::LogLevel::debug, "certbot " + installed->version_text + " at " + installed->executable.string() + ", " +
                                   std::to_string(installed->authenticators.size()) + " authenticators");
  co_return installed;
}

bool Supervisor::is_renewal(const Entry& entry) const {
  if (!entry.current || entry.published_ca != entry.certificate->ca) return false;
  auto before = entry.published_for;
  auto wanted = entry.certificate->domains;
  std::sort(before.begin(), before.end());
  std::sort(wanted.begin(), wanted.end());
  return before == wanted;
}

std::string Supervisor::why_waiting(const std::string& certificate) const {
  if (revoking_.contains(certificate)) return "it is being revoked";
  const auto job = jobs_.find(certificate);
  if (job == jobs_.end()) return {};
  if (job->second->running) return "a run is under way";
  const auto why = queue_.why(certificate, now());
  return why.empty() ? "a run begins in a moment" : "a run waits: " + why;
}

asio::awaitable<Handled> Supervisor::handle(Wish wish) {
  Handled handled;
  handled.certificate = wish.certificate;
  const Entry* entry = roster_.find(wish.certificate);
  if (!entry) {
    handled.fault = Fault{"there is no certificate '" + printable(wish.certificate) + "' in the configuration", "", {}};
    co_return handled;
  }
  constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
  if (const auto known = jobs_.find(wish.certificate); known != jobs_.end()) {
    const auto job = known->second;
    if (wish.manual && !job->wish.manual && !job->running) {
      queue_.remove(wish.certificate);
      job->wish = std::move(wish);
      enqueue(job);
    }
    co_await job->ended.async_wait(quietly);
    co_return job->handled;
  }
  handled.decision = roster_.decide(*entry, now(), wish.forced);
  if (handled.decision.action == renewal::Decision::Action::nothing) co_return handled;
  handled.stopped = stop_.requested();
  if (handled.stopped) co_return handled;
  const auto job = std::make_shared<Job>(std::move(wish), executor_);
  job->handled = std::move(handled);
  jobs_.emplace(job->wish.certificate, job);
  enqueue(job);
  pump();
  co_await job->ended.async_wait(quietly);
  co_return job->handled;
}

void Supervisor::enqueue(const std::shared_ptr<Job>& job) {
  const Entry& entry = *roster_.find(job->wish.certificate);
  const Certificate& certificate = *entry.certificate;
  const auto& providers = roster_.configuration()->providers;
  renewal::Waiting waiting;
  waiting.certificate = certificate.name;
  for (const auto& domain : certificate.domains) waiting.challenge_names.push_back(challenge_name(domain));
  waiting.account = certificate.account;
  waiting.ca = certificate.ca;
  waiting.manual = job->wish.manual;
  if (const auto provider = providers.find(certificate.provider); provider != providers.end())
    waiting.single_txt = provider->second.single_txt;
  if (entry.current) waiting.expires = entry.current->facts.not_after;
  waiting.order = ++asked_;
  // The end of a revocation brings it here again.
  if (!revoking_.contains(certificate.name)) queue_.add(std::move(waiting));
  hooks_.expect(roster_.settings(), certificate);
}

/// Starts what may start, and sets the timer for what the ramp holds back.
void Supervisor::pump() {
  if (stop_.requested()) {
    // Nothing begins any more: whoever waits is told.
    std::vector<std::shared_ptr<Job>> waiting;
    for (const auto& [name, job] : jobs_)
      if (!job->running) waiting.push_back(job);
    for (const auto& job : waiting) {
      queue_.remove(job->wish.certificate);
      job->handled.stopped = true;
      finish(job);
    }
    return;
  }
  while (const auto name = queue_.next(now())) {
    const auto job = jobs_.at(*name);
    job->running = true;
    job->begun = now();
    ++running_;
    queue_.started(*name, now());
    asio::co_spawn(executor_, carry_out(job), asio::detached);
  }
  if (const auto wake = queue_.wake_at(now())) {
    ramp_.expires_after(std::max(std::chrono::duration_cast<std::chrono::steady_clock::duration>(*wake - now()),
                                 std::chrono::steady_clock::duration(Milliseconds(1))));
    ramp_.async_wait([this](const boost::system::error_code& error) {
      if (!error) pump();
    });
  }
}

asio::awaitable<void> Supervisor::carry_out(std::shared_ptr<Job> job) {
  try {
    co_await run(*job);
  } catch (const Failed& failed) {
    job->handled.fault = failed.fault();
  } catch (const std::exception& error) {
    job->handled.fault = Fault{job->wish.certificate + ": " + error.what(), "", {}};
  }
  if (job->handled.fault) os::log(os::LogLevel::error, job->handled.fault->text());
  --running_;
  if (!job->yielded) queue_.finished(job->wish.certificate);
  finish(job);
  pump();
}

asio::awaitable<void> Supervisor::run(Job& job) {
  const std::string name = job.wish.certificate;
  const auto certbot = co_await installed();
  const auto configuration = roster_.configuration();  // kept to the end of the Run
  Entry* entry = roster_.find(name);
  if (!entry) {
    job.handled.fault = Fault{name + " is no longer configured", "", {}};
    co_return;
  }
  Handled& handled = job.handled;
  handled.decision = roster_.decide(*entry, now(), job.wish.forced);
  if (handled.decision.action == renewal::Decision::Action::nothing) co_return;
  const bool renewal = is_renewal(*entry);
  if (handled.decision.action == renewal::Decision::Action::issue) {
    if (const auto wait = ledger_.wait(configuration->settings, *entry->certificate, renewal, now())) {
      handled.held = wait->why;
      handled.held_until = wait->until;
      co_return;
    }
  }
  Host host{configuration, certbot, certbot_fault_, state_, pool_,      stop_,
            hooks_,        ledger_, accounts_,      trust_, preflight_, engines_};
  Assignment assignment{
      *entry->certificate, handled.decision, job.wish.actor, entry->state, renewal, job.queued, job.begun, {}};
  assignment.yielded = [this, &job] {
    job.yielded = true;
    queue_.finished(job.wish.certificate);
    pump();
  };
  Fanout fanout(observers_);
  auto finished = co_await run_certificate(std::move(host), std::move(assignment), fanout);
  handled.run = std::move(finished.run);
  entry = roster_.find(name);  // a reload may have taken it away
  if (!entry) co_return;
  entry->state = std::move(finished.state);
  roster_.refresh(*entry);
  if (handled.run->generation) {
    entry->published_ca = handled.run->ca;
    entry->published_for = handled.run->domains;
  }
}

void Supervisor::finish(const std::shared_ptr<Job>& job) {
  const std::string name = job->wish.certificate;
  hooks_.expect_no_longer(name);
  jobs_.erase(name);
  job->ended.expires_at(asio::steady_timer::time_point::min());
  if (ended) ended(name);
}

}  // namespace certherd::service
