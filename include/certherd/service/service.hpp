#pragma once

#include <certherd/service/scheduler.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace certherd::service {

/// What came of reading the configuration again.
struct Reloaded {
  bool in_force = false;  ///< false: it has faults, and the one before stays in force
  std::vector<Fault> faults;
  std::vector<Fault> warnings;  ///< also what takes a restart
};

/// A way in from outside (the control socket). Lives on threads of its own; stops when destroyed.
class Endpoint {
public:
  virtual ~Endpoint() = default;
};

/// `certherd run`: everything together, from start to the last record. All members but executor() are for the
/// io_context's thread.
class Service {
public:
  using OpenEndpoint = std::function<std::unique_ptr<Endpoint>(Service&)>;

  /// Takes the state directory. Throws StateHeld and Failed as take_state does.
  explicit Service(ConfigurationPtr configuration);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Serves until SIGTERM or SIGINT has been followed: no new Runs, those under way get their grace, everything is
  /// recorded; a second signal leaves them no more grace. SIGHUP reads the configuration again, SIGUSR1 switches the
  /// service log between info and debug. `open_endpoint` is called when Wishes can be taken.
  void run(const OpenEndpoint& open_endpoint);

  boost::asio::any_io_executor executor();
  boost::asio::thread_pool& pool() { return pool_; }
  Supervisor& supervisor() { return supervisor_; }
  Scheduler& scheduler() { return scheduler_; }
  State& state() { return state_; }
  os::StopSignal& stop() { return stop_; }

  boost::asio::awaitable<Reloaded> reload();

private:
  boost::asio::awaitable<void> serve(const OpenEndpoint& open_endpoint);
  boost::asio::awaitable<void> follow_signals();
  boost::asio::awaitable<void> keep_alive();
  boost::asio::awaitable<void> drain();
  void stop_requested();

  struct Loop;  ///< the io_context and its signals
  std::unique_ptr<Loop> loop_;
  boost::asio::thread_pool pool_{4};
  State state_;
  os::StopSignal stop_;
  Supervisor supervisor_;
  Scheduler scheduler_;
  os::Turns reloading_;
  bool drained_ = false;
};

}  // namespace certherd::service
