#include <certherd/hooks/run_hook.hpp>
#include <certherd/hooks/select.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/service/hook_desk.hpp>
#include <certherd/store/current.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "host_name.hpp"
#include "now.hpp"
#include "random.hpp"
#include "trouble.hpp"

namespace certherd::service {
namespace {

namespace asio = boost::asio;

}  // namespace

/// Several HookJobs that one execution serves.
struct HookDesk::Batch {
  explicit Batch(const asio::any_io_executor& executor)
      : closing(executor), ended(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer closing;  ///< the delay; cancelled when nobody else is expected
  asio::steady_timer ended;    ///< cancelled when the execution has ended
  std::vector<std::string> certificates;
  hooks::HookContext last;  ///< of the Certificate that came last
  HookJob result;
};

HookDesk::HookDesk(asio::any_io_executor executor, asio::thread_pool& pool, journal::Journal& journal,
                   os::StopSignal& stop)
    : executor_(std::move(executor)), pool_(pool), journal_(journal), stop_(stop) {
  for (auto& job : journal_.owed_hook_jobs()) owed_.emplace(Key(job.run, job.position), std::move(job));
}

HookDesk::~HookDesk() = default;

void HookDesk::expect(const Settings& settings, const Certificate& certificate) {
  for (const Hook* hook : hooks::hooks_for(HookEvent::deployed, certificate, settings.hooks))
    if (hook->batch) expected_[hook->id].insert(certificate.name);
}

void HookDesk::expect_no_longer(const std::string& certificate) {
  std::vector<std::string> hooks;
  for (const auto& [hook, certificates] : expected_) hooks.push_back(hook);
  for (const auto& hook : hooks) leave(hook, certificate);
}

void HookDesk::leave(const std::string& hook, const std::string& certificate) {
  const auto expected = expected_.find(hook);
  if (expected == expected_.end() || expected->second.erase(certificate) == 0 || !expected->second.empty()) return;
  expected_.erase(expected);
  if (const auto batch = batches_.find(hook); batch != batches_.end()) batch->second->closing.cancel();
}

asio::awaitable<std::vector<HookJob>> HookDesk::carry_out(ConfigurationPtr configuration,
                                                          const Certificate& certificate, hooks::HookContext context,
                                                          int first_position, Redactor redactor) {
  const auto& hooks = configuration->settings.hooks;
  context.host = host_name();
  auto jobs = hooks::jobs_for(context.event, certificate, hooks, context.run, first_position);
  // Every HookJob is owed, on disk, before the first one runs: a crash in between forgets none.
  for (auto& job : jobs) {
    job.certificate = certificate.name;
    job.next_try = now();
  }
  co_await save(jobs);
  for (auto& job : jobs) {
    const Hook& hook = hooks.at(job.hook);
    if (hook.batch && context.event == HookEvent::deployed)
      job = co_await execute_in_batch(hook, context, std::move(job), redactor);
    else
      job = co_await execute(hook, context, std::move(job), redactor);
  }
  co_return jobs;
}

asio::awaitable<HookJob> HookDesk::execute(const Hook& hook, hooks::HookContext context, HookJob job,
                                           Redactor redactor) {
  job = co_await hooks::run_hook(hook, context, std::move(job), pool_, redactor, stop_);
  co_await note_result(job);
  co_return job;
}

asio::awaitable<HookJob> HookDesk::execute_in_batch(const Hook& hook, hooks::HookContext context, HookJob job,
                                                    Redactor redactor) {
  auto& open = batches_[hook.id];
  const bool first = !open;
  if (first) open = std::make_shared<Batch>(executor_);
  const auto batch = open;
  batch->certificates.push_back(context.certificate);
  batch->last = context;
  leave(hook.id, context.certificate);
  constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
  if (!first) {
    co_await batch->ended.async_wait(quietly);
    const HookJob& result = batch->result;
    job.tries += result.tries;
    job.started = result.started;
    job.duration = result.duration;
    job.done = result.done;
    job.error = result.error;
    job.output = result.output;
    job.ran_with = result.run + "/" + std::to_string(result.position);
    co_await note_result(job);
    co_return job;
  }
  if (expected_.contains(hook.id)) {
    batch->closing.expires_after(*hook.batch);
    co_await batch->closing.async_wait(quietly);
  }
  batches_.erase(hook.id);  // who comes now is one for the next batch
  batch->last.certificates = batch->certificates;
  job = co_await execute(hook, batch->last, std::move(job), redactor);
  batch->result = job;
  batch->ended.cancel();
  co_return job;
}

/// Writes down how a try went, and when the next one is due.
asio::awaitable<void> HookDesk::note_result(HookJob& job) {
  const Key key(job.run, job.position);
  std::vector<HookJob> changed;
  if (job.done) {
    job.next_try.reset();
    owed_.erase(key);
    // What an earlier Run of the same Certificate still owed has been done with it.
    for (auto owed = owed_.begin(); owed != owed_.end();) {
      HookJob& other = owed->second;
      const bool served = other.hook == job.hook && other.event == job.event && other.certificate == job.certificate &&
                          other.run < job.run;
      if (!served) {
        ++owed;
        continue;
      }
      other.done = true;
      other.next_try.reset();
      other.ran_with = job.run + "/" + std::to_string(job.position);
      changed.push_back(std::move(other));
      owed = owed_.erase(owed);
    }
  } else {
    // Stopped before it began: due at the next start.
    job.next_try = stop_.requested()
                       ? now()
                       : renewal::retry_at(FailureClass::provider_error, job.tries, now(), std::nullopt, random01());
    owed_[key] = job;
  }
  changed.push_back(job);
  co_await save(std::move(changed));
}

asio::awaitable<void> HookDesk::save(std::vector<HookJob> jobs) {
  auto work = [this, jobs = std::move(jobs)] { return trouble_of([&] { journal_.save_hook_jobs(jobs); }); };
  // What has been published stays so: a record that cannot be written is told, and no reason to end.
  const auto trouble = co_await os::offload(pool_, std::move(work));
  if (!trouble.empty()) os::log(os::LogLevel::error, "hooks are not in the journal: " + trouble);
}

std::optional<TimePoint> HookDesk::next_retry() const {
  std::optional<TimePoint> next;
  for (const auto& [key, job] : owed_) next = std::min(next.value_or(TimePoint::max()), job.next_try.value_or(now()));
  return next;
}

asio::awaitable<std::size_t> HookDesk::retry(ConfigurationPtr configuration, bool all) {
  std::map<std::pair<std::string, std::string>, std::vector<HookJob>> groups;  // by Hook and event
  for (const auto& [key, job] : owed_)
    if (all || job.next_try.value_or(now()) <= now()) groups[{job.hook, job.event}].push_back(job);
  for (auto& [what, jobs] : groups) {
    if (stop_.requested()) break;  // the next start has its turn; what was cut off keeps its own words
    const auto hook = configuration->settings.hooks.find(what.first);
    if (hook != configuration->settings.hooks.end() && hook->second.batch) {
      co_await retry_group(configuration, std::move(jobs));
      continue;
    }
    for (auto& job : jobs) {
      if (stop_.requested()) break;
      std::vector<HookJob> one{std::move(job)};
      co_await retry_group(configuration, std::move(one));
    }
  }
  co_return owed_.size();
}

/// One execution for all of them; the last of them gives its context.
asio::awaitable<void> HookDesk::retry_group(ConfigurationPtr configuration, std::vector<HookJob> group) {
  const auto& hooks = configuration->settings.hooks;
  HookJob job = group.back();
  // A Run may have served it meanwhile.
  if (!owed_.contains(Key(job.run, job.position))) co_return;
  const auto hook = hooks.find(job.hook);
  if (hook == hooks.end()) {
    for (auto& dropped : group) {
      dropped.dropped = true;
      dropped.next_try.reset();
      dropped.error = "hook " + dropped.hook + " is no longer configured";
      owed_.erase(Key(dropped.run, dropped.position));
    }
    co_await save(std::move(group));
    co_return;
  }
  auto context = co_await context_again(configuration->settings, job);
  if (!context) co_return;
  for (const auto& served : group) context->certificates.push_back(served.certificate);
  os::log(os::LogLevel::info, "hook " + job.hook + " is owed to " + job.certificate + " and tried again");
  const Hook tried = hook->second;  // a reload may come meanwhile
  Redactor none;
  job = co_await execute(tried, std::move(*context), std::move(job), none);
  group.pop_back();
  for (auto& served : group) {
    served.tries += 1;
    served.started = job.started;
    served.duration = job.duration;
    served.done = job.done;
    served.error = job.error;
    served.output = job.output;
    served.ran_with = job.run + "/" + std::to_string(job.position);
    co_await note_result(served);
  }
}

/// What the Hook was to be told, from the journal and the store.
asio::awaitable<std::optional<hooks::HookContext>> HookDesk::context_again(const Settings& settings,
                                                                           const HookJob& job) {
  auto look = [this, id = job.run] { return journal_.find_run(id); };
  const auto found = co_await os::offload(pool_, std::move(look));
  const auto event = hooks::parse_event(job.event).value_or(HookEvent::deployed);
  Run run;
  if (found) {
    run = *found;
  } else {  // a notice, which belongs to no Run
    run.id = job.run;
    run.certificate = job.certificate;
    if (const Certificate* certificate = settings.find(job.certificate)) run.domains = certificate->domains;
  }
  if (!run.generation && event != HookEvent::failed) run.generation = store::current(settings.paths, job.certificate);
  const auto previous = store::previous(settings.paths, job.certificate);
  if (!run.outcome && event == HookEvent::deployed) run.outcome = Outcome::deployed;  // cut off while its hooks ran
  co_return hooks::context_of(event, run, settings.paths, previous, host_name());
}

}  // namespace certherd::service
