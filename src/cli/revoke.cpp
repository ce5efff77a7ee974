#include "json.hpp"
#include "run_text.hpp"
#include "verbs.hpp"

#include <certherd/cli/progress.hpp>
#include <certherd/service/revoke.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <exception>
#include <iostream>

namespace certherd::cli {
namespace {

class Revoking {
public:
  Revoking(const Context& context, const service::Configuration& configuration, const Certificate& certificate)
      : context_(context),
        configuration_(configuration),
        certificate_(certificate),
        state_(service::take_state(configuration.settings)),
        stop_(io_.get_executor()),
        signals_(io_, SIGINT, SIGTERM, SIGHUP) {}

  Result<service::RevokeOutcome> run() {
    std::exception_ptr failure;
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) stop_.request();
    });
    boost::asio::co_spawn(io_, work(), [&](std::exception_ptr error) {
      failure = error;
      signals_.cancel();
    });
    io_.run();
    pool_.join();
    if (failure) std::rethrow_exception(failure);
    return outcome_;
  }

private:
  boost::asio::awaitable<void> work() {
    const Settings& settings = configuration_.settings;
    const auto installed = (co_await certbot::inspect_certbot(settings.certbot.executable,
                                                              settings.paths.state_dir / "certbot.json", stop_))
                               .or_throw();
    service::Host host{settings, configuration_.providers, installed, state_, pool_, stop_};
    Terminal terminal = context_.terminal;
    terminal.interactive = terminal.colour = false;  // there are no phases to show
    const ProgressOptions options{false, context_.line.verbosity >= 2 && !context_.line.json};
    const auto observer = make_progress(io_.get_executor(), terminal, options, context_.out);
    outcome_ = co_await service::revoke_certificate(host, certificate_, context_.line.reason, local_user(), *observer);
  }

  const Context& context_;
  const service::Configuration& configuration_;
  const Certificate& certificate_;
  boost::asio::io_context io_{1};
  boost::asio::thread_pool pool_{1};
  service::State state_;
  os::StopSignal stop_;
  boost::asio::signal_set signals_;
  Result<service::RevokeOutcome> outcome_ = Fault{};
};

void print(const Context& context, const std::string& name, const service::RevokeOutcome& outcome) {
  std::ostream& out = context.out;
  const std::string what =
      "serial " + outcome.facts.serial + ", valid until " + format_utc_minutes(outcome.facts.not_after) + " UTC";
  if (outcome.failure) {
    out << name << ": " << coloured(context.terminal, Colour::red, "not revoked") << ": " << what << '\n';
    print_failure(out, context.terminal, *outcome.failure);
    out << "  certbot's own words: " << outcome.transcript.string() << '\n';
    return;
  }
  out << name << ": " << coloured(context.terminal, Colour::green, outcome.already_revoked ? "was revoked" : "revoked")
      << (outcome.already_revoked ? " already: " : ": ") << what << '\n';
  if (outcome.by_own_key) out << "  signed with the certificate's own key\n";
  out << "  its files are still published; 'certherd issue --force " << name << "' replaces them\n";
}

boost::json::object json_of(const std::string& name, const service::RevokeOutcome& outcome) {
  return {{"certificate", name},
          {"serial", outcome.facts.serial},
          {"ca", outcome.ca},
          {"revoked", outcome.revoked()},
          {"already_revoked", outcome.already_revoked},
          {"by_own_key", outcome.by_own_key},
          {"failure", to_json(outcome.failure)},
          {"transcript", outcome.transcript.string()}};
}

}  // namespace

int revoke(const Context& context) {
  const auto configuration = usable_configuration(context);
  const std::string& name = context.line.names.front();
  const Certificate* const certificate = configuration.settings.find(name);
  if (!certificate) {
    print_unknown_certificate(name, configuration.settings);
    return exit_usage;
  }
  const auto outcome = Revoking(context, configuration, *certificate).run().or_throw();
  if (context.line.json)
    print_json(context.out, json_of(name, outcome));
  else
    print(context, name, outcome);
  return outcome.revoked() ? exit_done : exit_failed;
}

}  // namespace certherd::cli
