#pragma once

#include <certherd/renewal/queue.hpp>
#include <certherd/service/engine_desk.hpp>
#include <certherd/service/revoke.hpp>
#include <certherd/service/runner.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace certherd::service {

/// A wish to have a Certificate handled.
struct Wish {
  std::string certificate;
  Actor actor;
  bool forced = false;  ///< also when it is not due; budgets are obeyed all the same
  bool manual = true;   ///< somebody waits: goes before what is scheduled, and does not wait for a retry time
};

/// What became of a Wish.
struct Handled {
  std::string certificate;
  renewal::Decision decision;
  std::optional<Run> run;  ///< absent: nothing was due, or one of the following
  bool stopped = false;    ///< certherd was told to stop before its turn
  std::string held;        ///< why it must wait: a rate limit of the CA
  std::optional<TimePoint> held_until;
  std::optional<Fault> fault;  ///< the Run could not even be noted, or the Certificate is not configured (any more)
};

/// Carries out Wishes, many at once: the one path for first issue and renewal, manual and scheduled, with and without
/// the service. Within max_parallel and the limits for each Account and CA; never two Runs that share a challenge name;
/// not more starts at once than the host bears. On the io_context's thread.
class Supervisor {
public:
  Supervisor(boost::asio::any_io_executor executor, boost::asio::thread_pool& pool, ConfigurationPtr configuration,
             State& state, os::StopSignal& stop);

  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// What an earlier life left: its certbots are ended, Certificates that are no longer configured archived. Before the
  /// first Wish.
  boost::asio::awaitable<void> clear_up();

  /// Handles a Wish to its end. One for a Certificate that is waiting or running already shares that Run.
  boost::asio::awaitable<Handled> handle(Wish wish);

  /// Has the published certificate revoked (see revoke_certificate) and remembers that it is, so that the Certificate
  /// is due at once. No Run of the Certificate is under way or begins meanwhile: one that runs is waited for, one that
  /// waits goes on waiting. Not more revocations at a time than max_parallel. Faults as revoke_certificate, and: not
  /// configured, certherd is stopping.
  boost::asio::awaitable<Result<RevokeOutcome>> revoke(Revocation wanted, RunObserver& observer);

  /// Another configuration is in force for every Run that begins from now on.
  boost::asio::awaitable<void> use(ConfigurationPtr configuration);

  /// certherd was told to stop: whoever still waits for its turn is told so.
  void stopping() { pump(); }
  /// Nothing is running any more and nothing will.
  void close() { engines_.close(); }

  Roster& roster() { return roster_; }
  Ledger& ledger() { return ledger_; }
  Directories& directories() { return directories_; }
  HookDesk& hooks() { return hooks_; }
  /// Why a Run of the Certificate has not begun, or that it is under way or being revoked; empty: none is wanted.
  std::string why_waiting(const std::string& certificate) const;
  bool busy(const std::string& certificate) const {
    return jobs_.contains(certificate) || revoking_.contains(certificate);
  }
  /// Runs and revocations under way.
  std::size_t running() const { return running_ + revoking_.size(); }
  std::size_t waiting() const { return jobs_.size() - running_; }

  /// The certbot that is installed now, looked at again only when its files have changed.
  boost::asio::awaitable<std::shared_ptr<const certbot::InstalledCertbot>> installed();
  /// Why there is none; after installed() gave nullptr.
  const std::optional<Fault>& certbot_fault() const { return certbot_fault_; }

  void observe(RunObserver* observer) { observers_.insert(observer); }
  void observe_no_longer(RunObserver* observer) { observers_.erase(observer); }

  /// Called when a Run or a revocation has ended and the Roster knows it.
  std::function<void(const std::string& certificate)> ended;

  /// The set of names was certified before by the same CA: some rate limits do not count such an order.
  bool is_renewal(const Entry& entry) const;

private:
  struct Job;
  class Fanout;

  void enqueue(const std::shared_ptr<Job>& job);
  void pump();
  boost::asio::awaitable<void> carry_out(std::shared_ptr<Job> job);
  boost::asio::awaitable<void> run(Job& job);
  void finish(const std::shared_ptr<Job>& job);
  boost::asio::awaitable<void> archive_forgotten();
  boost::asio::awaitable<void> wait_to_revoke(std::string certificate);
  boost::asio::awaitable<void> remember_revoked(const RevokeOutcome& outcome, RunObserver& observer);
  boost::asio::awaitable<Result<RevokeOutcome>> revoke_now(Revocation wanted, RunObserver& observer);
  void release_runs(const std::string& certificate);
  renewal::Limits limits() const;
  void measure();

  boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& pool_;
  State& state_;
  os::StopSignal& stop_;
  Roster roster_;
  Ledger ledger_;
  HookDesk hooks_;
  AccountDesk accounts_;
  TrustDesk trust_;
  Directories directories_;
  PreflightDesk preflight_;
  EngineDesk engines_;
  os::Turns looking_;  ///< at the installed certbot, one at a time
  std::optional<Fault> certbot_fault_;
  renewal::Queue queue_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
  std::map<std::string, std::shared_ptr<boost::asio::steady_timer>> revoking_;  ///< each cancelled at its end
  std::size_t running_ = 0;
  std::uint64_t asked_ = 0;
  boost::asio::steady_timer ramp_;
  std::set<RunObserver*> observers_;
};

}  // namespace certherd::service
