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

boost::asio::awaitable<void> RunSteps::save_hook_jobs() {
  // What has been published stays published: a record that cannot be written is no reason to end here.
  std::string trouble;
  try {
    co_await os::offload(host_.pool, [this] {
      for (const auto& job : run_.hook_jobs) host_.state.journal->save_hook_job(job);
    });
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  if (!trouble.empty()) warn(trouble);
}

boost::asio::awaitable<void> RunSteps::record_end() {
  std::string trouble;
  try {
    co_await os::offload(host_.pool, [this] { host_.state.journal->finish_run(run_); });
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  if (!trouble.empty()) warn("the end of this run is not in the journal: " + trouble);
  trouble.clear();
  try {
    co_await os::offload(host_.pool, [this] {
      const char* action = decision_.action == renewal::Decision::Action::publish ? "publish"
                           : !previous_                                          ? "issue"
                                                                                  : "renew";
      const auto head = host_.state.audit.append(journal::audit_entry(run_, action)).or_throw();
      host_.state.journal->save_audit_head(head);
    });
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  if (!trouble.empty()) warn("this run is not in the audit log: " + trouble);
}

}  // namespace certherd::service
