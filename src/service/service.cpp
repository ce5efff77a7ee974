#include <certherd/os/log.hpp>
#include <certherd/os/notify.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/service/service.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <malloc.h>

#include <csignal>
#include <exception>

#include "log_observer.hpp"

namespace certherd::service {
namespace {

namespace asio = boost::asio;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

/// How often systemd's status line is brought up to date, and whether all Runs have ended is looked at.
constexpr Milliseconds status_interval{10'000};
constexpr Milliseconds drain_look{100};

/// What only a restart changes: the old values stay in force and are named.
void keep_fixed_settings(const Settings& old, Configuration& fresh) {
  const auto fix = [&](auto& value, const auto& kept, const char* key) {
    if (value == kept) return;
    fresh.warnings.push_back({"a change of '" + std::string(key) + "' takes a restart of the service", "", {}});
    value = kept;
  };
  Settings& settings = fresh.settings;
  fix(settings.paths.state_dir, old.paths.state_dir, "state_dir");
  fix(settings.paths.store_dir, old.paths.store_dir, "store_dir");
  fix(settings.paths.runtime_dir, old.paths.runtime_dir, "runtime_dir");
  fix(settings.paths.audit_log, old.paths.audit_log, "audit_log");
  fix(settings.log_file, old.log_file, "log_file");
  fix(settings.control.socket_mode, old.control.socket_mode, "control: socket_mode");
  fix(settings.control.socket_group, old.control.socket_group, "control: socket_group");
}

}  // namespace

struct Service::Loop {
  Loop() : signals(io, SIGTERM, SIGINT, SIGHUP) { signals.add(SIGUSR1); }
  asio::io_context io{1};
  asio::signal_set signals;
};

Service::Service(ConfigurationPtr configuration)
    : loop_(std::make_unique<Loop>()),
      state_(take_state(configuration->settings)),
      stop_(executor()),
      supervisor_(executor(), pool_, std::move(configuration), state_, stop_),
      scheduler_(executor(), pool_, state_, supervisor_, stop_),
      reloading_(executor()) {}

Service::~Service() = default;

asio::any_io_executor Service::executor() {
  return loop_->io.get_executor();
}

void Service::run(const OpenEndpoint& open_endpoint) {
  std::exception_ptr failure;
  LogObserver log;
  supervisor_.observe(&log);
  asio::co_spawn(loop_->io, follow_signals(), asio::detached);
  asio::co_spawn(loop_->io, keep_alive(), asio::detached);
  asio::co_spawn(loop_->io, serve(open_endpoint), [&](std::exception_ptr error) {
    failure = error;
    loop_->io.stop();
  });
  loop_->io.run();
  pool_.join();
  supervisor_.observe_no_longer(&log);
  if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> Service::serve(const OpenEndpoint& open_endpoint) {
  // A certbot of an earlier life may need minutes to end; nothing else has to wait for that.
  os::notify_status("ending what an earlier life left");
  co_await supervisor_.clear_up();
  auto endpoint = open_endpoint(*this);
  ::malloc_trim(0);  // the YAML tree is gone
  os::notify_ready(scheduler_.status());
  os::log(os::LogLevel::info, "serving: " + scheduler_.status());
  scheduler_.replan_all();
  co_await scheduler_.run();
  os::notify_stopping();
  co_await drain();
  supervisor_.close();
  // Its threads may still wait for answers of this one.
  auto close = [&endpoint] { endpoint.reset(); };
  co_await os::offload(pool_, std::move(close));
  os::log(os::LogLevel::info, "stopped");
}

asio::awaitable<void> Service::drain() {
  supervisor_.stopping();
  asio::steady_timer timer(loop_->io);
  while (supervisor_.running() > 0) {
    os::notify_status("stopping: " + std::to_string(supervisor_.running()) +
                      " runs are under way; certbot removes its DNS records first");
    os::notify_extend_timeout(Seconds(30));
    timer.expires_after(drain_look);
    co_await timer.async_wait(quietly);
  }
}

asio::awaitable<void> Service::follow_signals() {
  while (true) {
    const auto [error, signal] = co_await loop_->signals.async_wait(quietly);
    if (error) co_return;
    if (signal == SIGHUP) {
      os::reopen_log_file();
      co_await reload();
    } else if (signal == SIGUSR1) {
      const bool debug = os::log_level() == os::LogLevel::debug;
      os::set_log_level(debug ? os::LogLevel::info : os::LogLevel::debug);
      os::log(os::LogLevel::info, debug ? "the service log says info" : "the service log says debug");
    } else if (!stop_.requested()) {
      os::log(os::LogLevel::info, "stopping: no new runs; " + std::to_string(supervisor_.running()) +
                                      " under way are given their grace. A second signal hurries them");
      stop_.request();
      scheduler_.wake();
    } else {
      os::log(os::LogLevel::warning, "a second signal: certbots are killed, and their DNS records may stay");
      stop_.hurry();
    }
  }
}

/// systemd's watchdog and status line.
asio::awaitable<void> Service::keep_alive() {
  asio::steady_timer timer(loop_->io);
  const auto watchdog = os::watchdog_interval();
  const auto interval = std::min(watchdog.value_or(status_interval), status_interval);
  std::string last;
  while (true) {
    timer.expires_after(interval);
    const auto [error] = co_await timer.async_wait(quietly);
    if (error) co_return;
    if (watchdog) os::notify_watchdog();
    if (stop_.requested()) continue;
    if (auto status = scheduler_.status(); status != last) {
      os::notify_status(status);
      last = std::move(status);
    }
  }
}

asio::awaitable<Reloaded> Service::reload() {
  const auto turn = co_await reloading_.wait();
  os::notify_reloading();
  const auto before = supervisor_.roster().configuration();
  auto load = [file = before->settings.file] { return load_configuration(file); };
  Configuration fresh = co_await os::offload(pool_, std::move(load));
  Reloaded reloaded;
  reloaded.faults = fresh.faults;
  if (fresh.valid()) {
    keep_fixed_settings(before->settings, fresh);
    reloaded.warnings = fresh.warnings;
    reloaded.in_force = true;
    co_await supervisor_.use(std::make_shared<const Configuration>(std::move(fresh)));
    scheduler_.replan_all();
    ::malloc_trim(0);
    os::log(os::LogLevel::info, "the configuration was read again and is in force: " + scheduler_.status());
    os::notify_ready(scheduler_.status());
    co_return reloaded;
  }
  for (const auto& fault : reloaded.faults)
    os::log(os::LogLevel::error, (fault.mark ? to_string(*fault.mark) + ": " : "") + fault.text());
  const std::string told =
      "the new configuration has " + std::to_string(reloaded.faults.size()) + " faults: the one before stays in force";
  os::log(os::LogLevel::error, told + "; 'certherd config check' explains them");
  os::notify_ready(told + "; " + scheduler_.status());
  co_return reloaded;
}

}  // namespace certherd::service
