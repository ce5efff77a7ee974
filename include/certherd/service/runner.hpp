#pragma once

#include <certherd/certbot/engine.hpp>
#include <certherd/certbot/installed.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/state.hpp>
#include <certherd/os/stop.hpp>
#include <certherd/os/turn.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/service/hook_desk.hpp>
#include <certherd/service/ledger.hpp>
#include <certherd/service/observer.hpp>
#include <certherd/service/preflight.hpp>
#include <certherd/service/roster.hpp>
#include <certherd/service/state.hpp>
#include <certherd/service/trust_desk.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace certherd::service {

/// Registers the ACME account of a CA once, however many Runs need it.
class AccountDesk {
public:
  explicit AccountDesk(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  struct Place {
    explicit Place(const boost::asio::any_io_executor& executor) : turns(executor) {}
    os::Turns turns;
    std::optional<Failure> failure;  ///< of the last registration
    TimePoint failed_at;
  };
  Place& of(const std::string& ca);

private:
  boost::asio::any_io_executor executor_;
  std::map<std::string, std::unique_ptr<Place>> places_;
};

/// What a Run works with. What is referred to outlives the Runs.
struct Host {
  ConfigurationPtr configuration;
  /// nullptr: there is no usable certbot, and `certbot_fault` says why.
  std::shared_ptr<const certbot::InstalledCertbot> certbot;
  std::optional<Fault> certbot_fault;
  State& state;
  boost::asio::thread_pool& pool;  ///< for blocking work
  os::StopSignal& stop;
  HookDesk& hooks;
  Ledger& ledger;
  AccountDesk& accounts;
  TrustDesk& trust;
  PreflightDesk& preflight;
  certbot::Engine& engine;

  const Settings& settings() const { return configuration->settings; }
};

/// One Run to be carried out.
struct Assignment {
  const Certificate& certificate;  ///< of the Host's configuration
  renewal::Decision decision;      ///< to publish or to issue
  Actor actor;
  CertificateState state;         ///< before the Run
  bool renewal = false;           ///< the same set of names was certified before
  TimePoint queued;               ///< since when it waited for its turn
  TimePoint begun;                ///< when the turn came
  std::function<void()> yielded;  ///< called when nothing but hooks is left
};

/// What came of it.
struct Finished {
  Run run;
  CertificateState state;  ///< saved already
};

/// Carries one Run from the decision to its outcome: ACME account, certbot, verification, publication, hooks, records.
/// What goes wrong is in the Run; only a journal that cannot even note the beginning ends in an exception (Failed),
/// before anything was asked of the CA.
boost::asio::awaitable<Finished> run_certificate(Host host, Assignment assignment, RunObserver& observer);

}  // namespace certherd::service
