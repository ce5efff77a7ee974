#pragma once

#include <certherd/certbot/installed.hpp>
#include <certherd/model/run.hpp>
#include <certherd/os/stop.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/service/configuration.hpp>
#include <certherd/service/observer.hpp>
#include <certherd/service/state.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

namespace certherd::service {

/// What every Run on this host works with. All of it outlives the Runs.
struct Host {
  const Settings& settings;
  const PluginsMap& providers;
  const certbot::InstalledCertbot& certbot;
  State& state;
  boost::asio::thread_pool& pool;  ///< for blocking work
  os::StopSignal& stop;
};

/// What is to be done for a Certificate now: reads the store, certbot's lineage and the journal
/// (nullptr: there is none yet), changes nothing.
renewal::Decision decide(const Settings& settings, journal::Journal* journal, const Certificate& certificate,
                         TimePoint now, bool forced);

/// Carries one Run from the decision to its outcome: ACME account, certbot, verification, publication, hooks, records.
/// The decision must be to publish or to issue. What goes wrong is in the Run; only a journal that cannot even note the
/// beginning ends in an exception (Failed), before anything was asked of the CA.
boost::asio::awaitable<Run> run_certificate(Host& host, const Certificate& certificate, renewal::Decision decision,
                                            Actor actor, RunObserver& observer);

}  // namespace certherd::service
