#include "run_text.hpp"
#include "runs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/service/events.hpp>
#include <certherd/service/json.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <iostream>

namespace certherd::cli {
namespace {

using service::Handled;

void print(const Context& context, const Handled& handled) {
  auto& out = context.out;
  const std::string& name = handled.certificate;
  if (handled.run)
    print_outcome(out, context.terminal, *handled.run);
  else if (handled.fault)
    out << name << ": " << coloured(context.terminal, Colour::red, "failed") << ": " << handled.fault->text() << '\n';
  else if (handled.stopped)
    out << name << ": stopped before its turn\n";
  else if (!handled.held.empty())
    out << name << ": " << coloured(context.terminal, Colour::yellow, "held") << ": " << handled.held
        << (handled.held_until ? ", until " + format_utc_minutes(*handled.held_until) + " UTC" : "") << '\n';
  else
    out << name << ": not due: " << handled.decision.reason << ", renewal from "
        << format_utc_minutes(handled.decision.renew_at) << " UTC\n";
  out << std::flush;
}

bool well(const Handled& handled) {
  if (handled.run) return handled.run->outcome == Outcome::deployed;
  return !handled.stopped && !handled.fault && handled.held.empty();
}

bool blocked(const Handled& handled) {
  return handled.run && handled.run->outcome == Outcome::blocked;
}

int exit_code(const std::vector<Handled>& all) {
  const auto good = std::count_if(all.begin(), all.end(), well);
  if (good == static_cast<std::ptrdiff_t>(all.size())) return exit_done;
  if (good > 0) return exit_some_failed;
  return std::all_of(all.begin(), all.end(), blocked) ? exit_blocked : exit_failed;
}

}  // namespace

Terminal quiet_for_json(const Context& context) {
  Terminal terminal = context.terminal;
  if (context.line.json) terminal.interactive = terminal.colour = false;
  return terminal;
}

int issue(const Context& context) {
  const auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  const Wanted wanted{chosen_certificates(context, configuration->settings), context.line.force};
  if (wanted.certificates.empty()) {
    if (context.line.all) std::cerr << "the configuration has no certificates\n";
    return context.line.all ? exit_done : exit_usage;
  }
  const Told told = [&](const Handled& handled) {
    if (!context.line.json) print(context, handled);
  };
  auto handled = handle_by_service(context, configuration->settings, wanted, told);
  if (!handled) handled = handle_here(context, configuration, wanted, told);
  if (context.line.json) {
    boost::json::array array;
    for (const auto& one : *handled) array.push_back(service::to_json(one));
    service::print_json(context.out, array);
  }
  return exit_code(*handled);
}

}  // namespace certherd::cli
