#include <certherd/base/text.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/service/supervisor.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

#include "supervisor_job.hpp"
#include "trouble.hpp"

// The part of the Supervisor that revokes.

namespace certherd::service {
namespace {

namespace asio = boost::asio;

Fault not_configured(const std::string& name) {
  return {"there is no certificate '" + printable(name) + "' in the configuration", "", {}};
}

}  // namespace

/// Returns when no Run of the Certificate is under way and one more certbot may be.
asio::awaitable<void> Supervisor::wait_to_revoke(std::string certificate) {
  constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
  while (true) {
    if (const auto found = jobs_.find(certificate); found != jobs_.end() && found->second->running) {
      const auto job = found->second;
      co_await job->ended.async_wait(quietly);
    } else if (const auto other = revoking_.find(certificate); other != revoking_.end()) {
      const auto over = other->second;
      co_await over->async_wait(quietly);
    } else if (revoking_.size() >= static_cast<std::size_t>(limits().total)) {
      const auto over = revoking_.begin()->second;
      co_await over->async_wait(quietly);
    } else {
      co_return;
    }
  }
}

asio::awaitable<Result<RevokeOutcome>> Supervisor::revoke(Revocation wanted, RunObserver& observer) {
  const std::string name = wanted.certificate;
  co_await wait_to_revoke(name);
  if (stop_.requested()) {
    Fault stopping{"certherd is stopping: " + name + " was not revoked", "ask again when it has started", {}};
    co_return stopping;
  }
  // From here to release_runs() no Run of it begins.
  revoking_.emplace(name, std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max()));
  queue_.remove(name);
  Result<RevokeOutcome> outcome = not_configured(name);
  std::exception_ptr failure;
  try {
    outcome = co_await revoke_now(std::move(wanted), observer);
  } catch (...) {
    failure = std::current_exception();
  }
  release_runs(name);
  if (failure) std::rethrow_exception(failure);
  co_return outcome;
}

asio::awaitable<Result<RevokeOutcome>> Supervisor::revoke_now(Revocation wanted, RunObserver& observer) {
  const std::string name = wanted.certificate;
  const auto certbot = co_await installed();
  const auto configuration = roster_.configuration();  // kept to the end
  const Entry* entry = roster_.find(name);
  if (!entry) co_return not_configured(name);
  Host host{configuration, certbot, certbot_fault_, state_, pool_,      stop_,
            hooks_,        ledger_, accounts_,      trust_, preflight_, engines_};
  auto outcome = co_await revoke_certificate(std::move(host), *configuration->settings.find(name), entry->published_ca,
                                             std::move(wanted), observer);
  if (outcome && outcome->revoked()) co_await remember_revoked(*outcome, observer);
  co_return outcome;
}

asio::awaitable<void> Supervisor::remember_revoked(const RevokeOutcome& outcome, RunObserver& observer) {
  Entry* entry = roster_.find(outcome.certificate);
  if (!entry) co_return;  // a reload has taken it away
  entry->state.revoked_serial = outcome.serial;
  auto work = [this, state = entry->state] { return trouble_of([&] { state_.journal->save_state(state); }); };
  const auto trouble = co_await os::offload(pool_, std::move(work));
  if (trouble.empty()) co_return;
  Run about;
  about.certificate = outcome.certificate;
  observer.warning(about,
                   "that it is revoked is not in the journal, so a restart would forget to replace it: " + trouble);
}

/// What has come to wait meanwhile may go on.
void Supervisor::release_runs(const std::string& certificate) {
  const auto over = revoking_.extract(certificate);
  over.mapped()->cancel();
  if (const auto found = jobs_.find(certificate); found != jobs_.end() && !found->second->running) {
    const auto job = found->second;
    if (roster_.find(certificate)) {
      enqueue(job);
    } else {
      job->handled.fault = not_configured(certificate);
      finish(job);
    }
  }
  pump();
  if (ended) ended(certificate);
}

}  // namespace certherd::service
