#pragma once

#include <certherd/renewal/clock.hpp>
#include <certherd/service/agenda.hpp>
#include <certherd/service/supervisor.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <string>
#include <vector>

namespace certherd::service {

/// Lets every Certificate be renewed when its time has come: reads the wall clock anew at least each minute, asks the
/// CAs for renewal windows (ARI, RFC 9773), tells what is about to expire, and tries owed Hooks again. While the clock
/// is not to be believed (renewal::ClockWatch) nothing begins by itself. On the io_context's thread.
class Scheduler {
public:
  Scheduler(boost::asio::any_io_executor executor, boost::asio::thread_pool& pool, State& state, Supervisor& supervisor,
            os::StopSignal& stop);

  /// Returns when stop is requested.
  boost::asio::awaitable<void> run();

  /// Everything is looked at again: after the start and another configuration.
  void replan_all();
  /// A Certificate is looked at again as soon as possible.
  void replan(const std::string& certificate);

  /// Looks at the clock and at stop now.
  void wake() { timer_.cancel(); }

  /// One pass: whatever is due is begun, and as many are looked at as a moment allows.
  void pass(TimePoint now);

  /// What happens next for a Certificate, when and because of what, with everything that holds it back.
  std::vector<renewal::Reasoning> why(const std::string& certificate);
  /// For systemd's status line.
  std::string status() const;

private:
  void observe_clock();
  std::optional<bool> change_awaited();
  void look_at(const std::string& name, TimePoint now);
  void tell(Entry& entry, std::vector<HookEvent> events);
  boost::asio::awaitable<void> renew(std::string name);
  boost::asio::awaitable<void> save(CertificateState state);
  std::optional<TimePoint> waits_until(const Entry& entry, const renewal::Decision& decision, TimePoint now);
  bool may_order(const Entry& entry, TimePoint now, std::optional<TimePoint>& until);
  void leave_line(const std::string& name, TimePoint now);
  boost::asio::awaitable<void> confirm_clock();
  boost::asio::awaitable<void> retry_hooks();

  boost::asio::awaitable<void> watch_renewal_info();
  boost::asio::awaitable<void> check_renewal_info(std::string name);
  void plan_renewal_info(const Entry& entry, TimePoint at);

  boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& pool_;
  State& state_;
  Supervisor& supervisor_;
  os::StopSignal& stop_;
  boost::asio::steady_timer timer_;
  Agenda agenda_;
  Agenda renewal_info_;
  WaitingLines lines_;
  renewal::ClockWatch clock_;
  bool confirming_ = false;
  std::optional<TimePoint> tidied_;  ///< when rate limits that say nothing any more were last forgotten
  bool retrying_hooks_ = false;
  std::optional<std::chrono::steady_clock::time_point> looked_for_change_;
};

}  // namespace certherd::service
