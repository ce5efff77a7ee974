#pragma once

#include <certherd/base/redaction.hpp>
#include <certherd/hooks/context.hpp>
#include <certherd/journal/journal.hpp>
#include <certherd/os/stop.hpp>
#include <certherd/service/roster.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace certherd::service {

/// Carries out HookJobs. Each is on disk as owed before its first try, and stays owed until it has succeeded or its
/// Hook is no longer configured; failed ones are tried again on the retry ladder. On the io_context's thread.
///
/// A Hook with `batch` is executed once for all Certificates that want it at about the same time: when no Run that
/// would want it is under way any more, and at the latest `batch` after the first wanted it.
class HookDesk {
public:
  HookDesk(boost::asio::any_io_executor executor, boost::asio::thread_pool& pool, journal::Journal& journal,
           os::StopSignal& stop);
  ~HookDesk();

  /// A Run of the Certificate is under way, or no longer: batches of its Hooks wait for it.
  void expect(const Settings& settings, const Certificate& certificate);
  void expect_no_longer(const std::string& certificate);

  /// Everything that the event owes: noted, then carried out in the certificate's order. Gives the jobs with what
  /// became of them. Never throws; what could not be noted is told to the service log.
  boost::asio::awaitable<std::vector<HookJob>> carry_out(ConfigurationPtr configuration, const Certificate& certificate,
                                                         hooks::HookContext context, int first_position,
                                                         Redactor redactor);

  /// Tries what is owed and due (`all`: also what is not due yet). Gives how many jobs are owed still.
  boost::asio::awaitable<std::size_t> retry(ConfigurationPtr configuration, bool all);
  /// When the next owed job is due; nullopt: none is owed.
  std::optional<TimePoint> next_retry() const;

private:
  struct Batch;
  using Key = std::pair<std::string, int>;  ///< run, position

  boost::asio::awaitable<HookJob> execute(const Hook& hook, hooks::HookContext context, HookJob job, Redactor redactor);
  boost::asio::awaitable<HookJob> execute_in_batch(const Hook& hook, hooks::HookContext context, HookJob job,
                                                   Redactor redactor);
  boost::asio::awaitable<void> save(std::vector<HookJob> jobs);
  boost::asio::awaitable<void> note_result(HookJob& job);
  boost::asio::awaitable<void> retry_group(ConfigurationPtr configuration, std::vector<HookJob> group);
  boost::asio::awaitable<std::optional<hooks::HookContext>> context_again(const Settings& settings, const HookJob& job);
  void leave(const std::string& hook, const std::string& certificate);

  boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& pool_;
  journal::Journal& journal_;
  os::StopSignal& stop_;
  std::map<std::string, std::set<std::string>> expected_;  ///< by Hook: Certificates whose Runs may come to want it
  std::map<std::string, std::shared_ptr<Batch>> batches_;
  std::map<Key, HookJob> owed_;  ///< waiting for their next try
};

}  // namespace certherd::service
