#include "runs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/cli/progress.hpp>
#include <certherd/os/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <pwd.h>
#include <unistd.h>

#include <exception>
#include <iostream>

namespace certherd::cli {
namespace {

namespace asio = boost::asio;

class RunsHere {
public:
  RunsHere(const Context& context, service::ConfigurationPtr configuration)
      : context_(context),
        state_(service::take_state(configuration->settings)),
        stop_(io_.get_executor()),
        supervisor_(io_.get_executor(), pool_, configuration, state_, stop_),
        signals_(io_, SIGINT, SIGTERM, SIGHUP) {}

  std::size_t retry_hooks() {
    std::size_t owed = 0;
    std::exception_ptr failure;
    wait_for_signal();
    auto work = [](RunsHere* self, std::size_t& owed) -> asio::awaitable<void> {
      owed = co_await self->supervisor_.hooks().retry(self->supervisor_.roster().configuration(), true);
    };
    asio::co_spawn(io_, work(this, owed), [&](std::exception_ptr error) {
      failure = error;
      signals_.cancel();
    });
    io_.run();
    pool_.join();
    if (failure) std::rethrow_exception(failure);
    return owed;
  }

  std::vector<service::Handled> handle(const Wanted& wanted, const Told& told) {
    std::exception_ptr failure;
    wait_for_signal();
    const auto progress =
        make_progress(io_.get_executor(), quiet_for_json(context_),
                      {context_.line.verbosity >= 1 && !context_.line.json, wanted.certificates.size() > 1,
                       context_.line.verbosity >= 2 && !context_.line.json},
                      context_.out);
    supervisor_.observe(progress.get());
    asio::co_spawn(io_, work(wanted, told), [&](std::exception_ptr error) {
      failure = error;
      signals_.cancel();
    });
    io_.run();
    supervisor_.observe_no_longer(progress.get());
    pool_.join();
    if (failure) std::rethrow_exception(failure);
    return std::move(handled_);
  }

private:
  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (stop_.requested()) {
        std::cerr << "killing certbot: its DNS records may stay\n";
        stop_.hurry();
      } else {
        std::cerr << "stopping: certbot removes its DNS records first; once more to kill it\n";
        stop_.request();
        supervisor_.stopping();
      }
      wait_for_signal();
    });
  }

  asio::awaitable<void> work(Wanted wanted, Told told) {
    co_await supervisor_.clear_up();
    handled_.resize(wanted.certificates.size());
    left_ = wanted.certificates.size();
    asio::steady_timer all_done(io_, asio::steady_timer::time_point::max());
    const Actor actor = local_user();
    for (std::size_t i = 0; i < wanted.certificates.size(); ++i) {
      service::Wish wish{wanted.certificates[i], actor, wanted.forced, true};
      asio::co_spawn(io_, one(std::move(wish), i, told, all_done), asio::detached);
    }
    if (left_ > 0) {
      boost::system::error_code ignored;
      co_await all_done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    // Hooks that an earlier life owes.
    const auto owed = co_await supervisor_.hooks().retry(supervisor_.roster().configuration(), false);
    if (owed > 0)
      os::log(os::LogLevel::warning,
              std::to_string(owed) + " hook jobs are owed still: 'certherd hooks list' shows them");
  }

  asio::awaitable<void> one(service::Wish wish, std::size_t place, Told told, asio::steady_timer& all_done) {
    handled_[place] = co_await supervisor_.handle(std::move(wish));
    told(handled_[place]);
    if (--left_ == 0) all_done.cancel();
  }

  const Context& context_;
  asio::io_context io_{1};
  asio::thread_pool pool_{2};
  service::State state_;
  os::StopSignal stop_;
  service::Supervisor supervisor_;
  asio::signal_set signals_;
  std::vector<service::Handled> handled_;
  std::size_t left_ = 0;
};

}  // namespace

Actor local_user() {
  Actor actor;
  actor.kind = Actor::Kind::user;
  uid_t uid = ::getuid();
  const char* const behind = uid == 0 ? std::getenv("SUDO_UID") : nullptr;
  if (const auto sudo = behind ? parse_number(behind) : std::nullopt) uid = static_cast<uid_t>(*sudo);
  actor.id = std::to_string(uid);
  const passwd* const entry = ::getpwuid(uid);
  actor.label = entry ? entry->pw_name : "?";
  return actor;
}

std::vector<service::Handled> handle_here(const Context& context, service::ConfigurationPtr configuration,
                                          const Wanted& wanted, const Told& told) {
  return RunsHere(context, std::move(configuration)).handle(wanted, told);
}

std::size_t retry_hooks_here(const Context& context, service::ConfigurationPtr configuration) {
  return RunsHere(context, std::move(configuration)).retry_hooks();
}

}  // namespace certherd::cli
