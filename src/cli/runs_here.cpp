#include "runs.hpp"

#include <certherd/cli/progress.hpp>
#include <certherd/os/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <iostream>

namespace certherd::cli {
namespace {

namespace asio = boost::asio;

class RunsHere {
public:
  RunsHere(const Context& context, service::ConfigurationPtr configuration)
      : context_(context),
        configuration_(configuration),
        for_owner_(configuration->settings),
        state_(service::take_state(configuration->settings)),
        stop_(io_.get_executor()),
        supervisor_(io_.get_executor(), pool_, configuration, state_, stop_),
        signals_(io_, SIGINT, SIGTERM, SIGHUP) {}

  std::size_t retry_hooks() {
    std::size_t owed = 0;
    auto work = [](RunsHere* self, std::size_t& owed) -> asio::awaitable<void> {
      owed = co_await self->supervisor_.hooks().retry(self->supervisor_.roster().configuration(), true);
    };
    complete(work(this, owed));
    return owed;
  }

  Result<service::RevokeOutcome> revoke(const service::Revocation& wanted) {
    Terminal terminal = context_.terminal;
    terminal.interactive = terminal.colour = false;  // there are no phases to show
    const auto observer =
        make_progress(io_.get_executor(), terminal, {false, false, context_.line.verbosity >= 2 && !context_.line.json},
                      context_.out);
    Result<service::RevokeOutcome> outcome = Fault{};
    auto work = [](RunsHere* self, service::Revocation wanted, service::RunObserver& observer,
                   Result<service::RevokeOutcome>& outcome) -> asio::awaitable<void> {
      co_await self->supervisor_.clear_up();
      outcome = co_await self->supervisor_.revoke(std::move(wanted), observer);
    };
    stopping_ = "stopping certbot: the CA may have revoked the certificate all the same; once more to kill it\n";
    complete(work(this, wanted, *observer, outcome));
    return outcome;
  }

  std::vector<service::Handled> handle(const Wanted& wanted, const Told& told) {
    const auto progress =
        make_progress(io_.get_executor(), quiet_for_json(context_),
                      {context_.line.verbosity >= 1 && !context_.line.json, wanted.certificates.size() > 1,
                       context_.line.verbosity >= 2 && !context_.line.json},
                      context_.out);
    supervisor_.observe(progress.get());
    complete(work(wanted, told));
    supervisor_.observe_no_longer(progress.get());
    return std::move(handled_);
  }

private:
  /// Runs everything to its end.
  void complete(asio::awaitable<void> work) {
    std::exception_ptr failure;
    wait_for_signal();
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr error) {
      failure = error;
      signals_.cancel();
      supervisor_.close();
    });
    io_.run();
    pool_.join();
    if (failure) std::rethrow_exception(failure);
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (stop_.requested()) {
        std::cerr << "killing certbot: its DNS records may stay\n";
        stop_.hurry();
      } else {
        std::cerr << stopping_;
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
  const char* stopping_ = "stopping: certbot removes its DNS records first; once more to kill it\n";
  asio::io_context io_{1};
  asio::thread_pool pool_{2};
  service::ConfigurationPtr configuration_;
  StateForItsOwner for_owner_;
  service::State state_;
  os::StopSignal stop_;
  service::Supervisor supervisor_;
  asio::signal_set signals_;
  std::vector<service::Handled> handled_;
  std::size_t left_ = 0;
};

}  // namespace

StateForItsOwner::~StateForItsOwner() {
  const auto given = service::hand_over_state(settings_);
  if (!given) std::cerr << "warning: " << given.fault().text() << "; the service may not be able to go on with it\n";
}

std::vector<service::Handled> handle_here(const Context& context, service::ConfigurationPtr configuration,
                                          const Wanted& wanted, const Told& told) {
  return RunsHere(context, std::move(configuration)).handle(wanted, told);
}

Result<service::RevokeOutcome> revoke_here(const Context& context, service::ConfigurationPtr configuration,
                                           const service::Revocation& wanted) {
  return RunsHere(context, std::move(configuration)).revoke(wanted);
}

std::size_t retry_hooks_here(const Context& context, service::ConfigurationPtr configuration) {
  return RunsHere(context, std::move(configuration)).retry_hooks();
}

}  // namespace certherd::cli
