#include "run_steps.hpp"

#include <certherd/hooks/run_hook.hpp>
#include <certherd/hooks/select.hpp>
#include <certherd/os/offload.hpp>

#include <unistd.h>

#include <array>
#include <exception>

namespace certherd::service {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

/// What has been issued and published stays so: a record that cannot be written is told, and no reason to end.
template <class Save>
std::string trouble_of(const Save& save) {
  try {
    save();
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace

/// Every HookJob is owed, on disk, before the first one runs: a crash in between forgets none.
boost::asio::awaitable<void> RunSteps::run_hooks(HookEvent event) {
  const auto hooks = hooks::hooks_for(event, certificate_, host_.settings.hooks);
  if (hooks.empty()) co_return;
  begin(Phase::hooks, std::chrono::system_clock::now());
  const auto context = hooks::context_of(event, run_, host_.settings.paths, previous_, host_name());
  run_.hook_jobs = hooks::jobs_for(event, certificate_, host_.settings.hooks, run_.id);
  co_await save_hook_jobs();
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    HookJob job = run_.hook_jobs[i];
    run_.hook_jobs[i] = co_await hooks::run_hook(*hooks[i], context, std::move(job), host_.pool, redactor_, host_.stop);
    co_await save_hook_jobs();
    if (run_.hook_jobs[i].done) continue;
    if (run_.outcome == Outcome::deployed) run_.outcome = Outcome::deployed_hook_failed;
    warn(run_.hook_jobs[i].error);
  }
}

boost::asio::awaitable<void> RunSteps::save_attempt(const Attempt& attempt) {
  const auto save = [this, &attempt] { host_.state.journal->save_attempt(run_.id, attempt); };
  const auto trouble = co_await os::offload(host_.pool, [&save] { return trouble_of(save); });
  if (!trouble.empty()) warn("this attempt is not in the journal: " + trouble);
}

boost::asio::awaitable<void> RunSteps::save_hook_jobs() {
  const auto save = [this] {
    for (const auto& job : run_.hook_jobs) host_.state.journal->save_hook_job(job);
  };
  const auto trouble = co_await os::offload(host_.pool, [&save] { return trouble_of(save); });
  if (!trouble.empty()) warn("hooks are not in the journal: " + trouble);
}

boost::asio::awaitable<void> RunSteps::record_end() {
  const auto to_journal = [this] { host_.state.journal->finish_run(run_); };
  const auto to_audit_log = [this] {
    const char* action = decision_.action == renewal::Decision::Action::publish ? "publish"
                         : !previous_                                           ? "issue"
                                                                                : "renew";
    const auto head = host_.state.audit.append(journal::audit_entry(run_, action)).or_throw();
    host_.state.journal->save_audit_head(head);
  };
  const auto in_journal = co_await os::offload(host_.pool, [&to_journal] { return trouble_of(to_journal); });
  if (!in_journal.empty()) warn("the end of this run is not in the journal: " + in_journal);
  const auto in_audit_log = co_await os::offload(host_.pool, [&to_audit_log] { return trouble_of(to_audit_log); });
  if (!in_audit_log.empty()) warn("this run is not in the audit log: " + in_audit_log);
}

}  // namespace certherd::service
