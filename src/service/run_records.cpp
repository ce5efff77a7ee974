#include "run_steps.hpp"

#include <certherd/hooks/select.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/renewal/notices.hpp>
#include <certherd/renewal/retry.hpp>

#include <exception>

#include "random.hpp"
#include "trouble.hpp"

namespace certherd::service {
/// What the Run means for the Certificate's state: when to try again, which notices are due.
boost::asio::awaitable<void> RunSteps::settle() {
  const auto now = std::chrono::system_clock::now();
  const CertificateState before = state_;
  if (run_.outcome == Outcome::deployed) {
    state_ = renewal::after_success(std::move(state_), previous_ ? std::optional(previous_->facts) : std::nullopt, now);
    state_.profile = certificate_.profile;
    notices_.push_back(HookEvent::deployed);
  } else if (run_.outcome == Outcome::failed || run_.outcome == Outcome::blocked) {
    const auto print = fingerprint(*host_.configuration, certificate_,
                                   plugin_version_of(*host_.configuration, host_.certbot.get(), certificate_));
    state_ = renewal::after_failure(std::move(state_), *run_.failure, print, now, random01());
  }
  if (run_.outcome != Outcome::interrupted) {
    const auto& published = run_.generation ? run_.generation : previous_;
    const auto facts = published ? std::optional(published->facts) : std::nullopt;
    auto due = renewal::notices(before, state_, facts, host_.settings().expiring, now);
    notices_.insert(notices_.end(), due.fire.begin(), due.fire.end());
    state_ = std::move(due.state);
  }
  const auto save = [this] { host_.state.journal->save_state(state_); };
  const auto trouble = co_await os::offload(host_.pool, [&save] { return trouble_of(save); });
  if (!trouble.empty()) warn("the certificate's state is not in the journal: " + trouble);
}

boost::asio::awaitable<void> RunSteps::run_hooks() {
  for (const HookEvent event : notices_) {
    if (hooks::hooks_for(event, certificate_, host_.settings().hooks).empty()) continue;
    begin(Phase::hooks, std::chrono::system_clock::now());
    auto context = hooks::context_of(event, run_, host_.settings().paths, previous_);
    const int first = static_cast<int>(run_.hook_jobs.size());
    auto jobs = co_await host_.hooks.carry_out(host_.configuration, certificate_, std::move(context), first, redactor_);
    for (auto& job : jobs) {
      if (!job.done) {
        if (run_.outcome == Outcome::deployed) run_.outcome = Outcome::deployed_hook_failed;
        warn(job.error);
      }
      run_.hook_jobs.push_back(std::move(job));
    }
  }
}

/// How long certbot is to wait. A history that cannot be read is no reason not to try.
boost::asio::awaitable<WaitPlan> RunSteps::learn_wait() {
  std::vector<WaitSample> samples;
  if (!learns_wait(*host_.configuration, certificate_))
    co_return plan_wait(*host_.configuration, certificate_, samples);
  const auto read = [this, &samples] { samples = wait_samples(*host_.state.journal, certificate_); };
  const auto trouble = co_await os::offload(host_.pool, [&read] { return trouble_of(read); });
  if (!trouble.empty()) warn("how long earlier runs waited for DNS is not known: " + trouble);
  co_return plan_wait(*host_.configuration, certificate_, samples);
}

boost::asio::awaitable<void> RunSteps::save_attempt(const Attempt& attempt) {
  const auto save = [this, &attempt] { host_.state.journal->save_attempt(run_.id, attempt); };
  const auto trouble = co_await os::offload(host_.pool, [&save] { return trouble_of(save); });
  if (!trouble.empty()) warn("this attempt is not in the journal: " + trouble);
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
