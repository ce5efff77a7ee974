#include "json.hpp"
#include "run_text.hpp"
#include "verbs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/cli/progress.hpp>
#include <certherd/os/log.hpp>
#include <certherd/service/runner.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <pwd.h>
#include <unistd.h>

#include <exception>
#include <iostream>

namespace certherd::cli {
namespace {

/// Who types: the user behind sudo is the one whom the audit log should name.
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

/// What became of one certificate.
struct Handled {
  const Certificate* certificate = nullptr;
  renewal::Decision decision;
  std::optional<Run> run;  ///< absent: nothing was due, or certherd was stopped before its turn
  bool stopped = false;
};

std::vector<const Certificate*> chosen(const Context& context, const Settings& settings) {
  std::vector<const Certificate*> certificates;
  if (context.line.all) {
    for (const auto& certificate : settings.certificates) certificates.push_back(&certificate);
    return certificates;
  }
  for (const auto& name : context.line.names) {
    const Certificate* certificate = settings.find(name);
    if (!certificate) {
      print_unknown_certificate(name, settings);
      return {};
    }
    if (std::find(certificates.begin(), certificates.end(), certificate) == certificates.end())
      certificates.push_back(certificate);
  }
  return certificates;
}

class Issuing {
public:
  Issuing(const Context& context, const service::Configuration& configuration)
      : context_(context),
        configuration_(configuration),
        state_(service::take_state(configuration.settings)),
        stop_(io_.get_executor()),
        signals_(io_, SIGINT, SIGTERM, SIGHUP) {}

  std::vector<Handled> handle(const std::vector<const Certificate*>& certificates) {
    std::exception_ptr failure;
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      std::cerr << "stopping: certbot removes its DNS records first\n";
      stop_.request();
    });
    boost::asio::co_spawn(io_, work(certificates), [&](std::exception_ptr error) {
      failure = error;
      signals_.cancel();
    });
    io_.run();
    pool_.join();
    if (failure) std::rethrow_exception(failure);
    return std::move(handled_);
  }

private:
  boost::asio::awaitable<void> work(const std::vector<const Certificate*>& certificates) {
    const Settings& settings = configuration_.settings;
    std::optional<certbot::InstalledCertbot> installed;
    ProgressOptions options{context_.line.verbosity >= 1 && !context_.line.json, context_.line.verbosity >= 2};
    Terminal terminal = context_.terminal;
    if (context_.line.json) terminal.interactive = terminal.colour = false;
    const auto progress = make_progress(io_.get_executor(), terminal, options, context_.out);
    for (const Certificate* certificate : certificates) {
      Handled& handled = handled_.emplace_back();
      handled.certificate = certificate;
      handled.decision = service::decide(settings, state_.journal.get(), *certificate, std::chrono::system_clock::now(),
                                         context_.line.force);
      handled.stopped = stop_.requested();
      if (handled.decision.action != renewal::Decision::Action::nothing && !handled.stopped) {
        // Looked at once, and not at all when nothing is due.
        if (!installed)
          installed = (co_await certbot::inspect_certbot(settings.certbot.executable,
                                                         settings.paths.state_dir / "certbot.json", stop_))
                          .or_throw();
        for (const auto& broken : installed->broken) os::log(os::LogLevel::warning, "broken certbot plugin: " + broken);
        os::log(os::LogLevel::debug, "certbot " + installed->version_text + " at " + installed->executable.string() +
                                         ", " + std::to_string(installed->authenticators.size()) + " authenticators");
        service::Host host{settings, configuration_.providers, *installed, state_, pool_, stop_};
        handled.run = co_await service::run_certificate(host, *certificate, handled.decision, local_user(), *progress);
      }
      if (!context_.line.json) print(handled);
    }
  }

  void print(const Handled& handled) const {
    const std::string& name = handled.certificate->name;
    if (handled.run) {
      print_outcome(context_.out, context_.terminal, *handled.run);
    } else if (handled.stopped) {
      context_.out << name << ": stopped before its turn\n";
    } else {
      context_.out << name << ": not due: " << handled.decision.reason << ", renewal from "
                   << format_utc_minutes(handled.decision.renew_at) << " UTC\n";
    }
    context_.out << std::flush;
  }

  const Context& context_;
  const service::Configuration& configuration_;
  boost::asio::io_context io_{1};
  boost::asio::thread_pool pool_{2};
  service::State state_;
  os::StopSignal stop_;
  boost::asio::signal_set signals_;
  std::vector<Handled> handled_;
};

boost::json::value json_of(const std::vector<Handled>& all) {
  boost::json::array array;
  for (const auto& handled : all) {
    boost::json::object object{{"certificate", handled.certificate->name},
                               {"reason", handled.decision.reason},
                               {"due", handled.decision.action != renewal::Decision::Action::nothing},
                               {"run", nullptr}};
    if (handled.run) object["run"] = to_json(*handled.run);
    array.push_back(std::move(object));
  }
  return array;
}

int exit_code(const std::vector<Handled>& all) {
  const auto well = std::count_if(all.begin(), all.end(), [](const Handled& handled) {
    return handled.run ? handled.run->outcome == Outcome::deployed : !handled.stopped;
  });
  if (well == static_cast<std::ptrdiff_t>(all.size())) return exit_done;
  return well == 0 || all.size() == 1 ? exit_failed : exit_some_failed;
}

}  // namespace

int issue(const Context& context) {
  const auto configuration = usable_configuration(context);
  const auto certificates = chosen(context, configuration.settings);
  if (certificates.empty()) {
    if (context.line.all) std::cerr << "the configuration has no certificates\n";
    return context.line.all ? exit_done : exit_usage;
  }
  const auto handled = Issuing(context, configuration).handle(certificates);
  if (context.line.json) print_json(context.out, json_of(handled));
  return exit_code(handled);
}

}  // namespace certherd::cli
