#include "run_text.hpp"
#include "verbs.hpp"

#include <certherd/service/json.hpp>
#include <certherd/service/preflight.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <exception>
#include <iostream>

namespace certherd::cli {
namespace {

namespace asio = boost::asio;

std::vector<service::CertificateCheck> look(const service::ConfigurationPtr& configuration,
                                            const std::vector<std::string>& names, bool ask_providers) {
  std::vector<const Certificate*> certificates;
  certificates.reserve(names.size());
  for (const auto& name : names) certificates.push_back(configuration->settings.find(name));
  asio::io_context io{1};
  service::Directories directories(io.get_executor());
  service::PreflightDesk desk(io.get_executor(), directories);
  std::exception_ptr trouble;
  std::vector<service::CertificateCheck> checks;
  asio::co_spawn(io, desk.check(configuration, std::move(certificates), ask_providers),
                 [&](std::exception_ptr error, std::vector<service::CertificateCheck> done) {
                   trouble = error;
                   checks = std::move(done);
                 });
  io.run();
  if (trouble) std::rethrow_exception(trouble);
  return checks;
}

void print(const Context& context, const service::CertificateCheck& check, bool everything) {
  using Severity = Finding::Severity;
  const auto severity = worst(check.findings).value_or(Severity::info);
  const std::string verdict = severity == Severity::blocking  ? coloured(context.terminal, Colour::red, "blocked")
                              : severity == Severity::warning ? coloured(context.terminal, Colour::yellow, "may fail")
                                                              : coloured(context.terminal, Colour::green, "fine");
  context.out << check.certificate << ": " << verdict << '\n';
  std::vector<Finding> told;
  std::copy_if(check.findings.begin(), check.findings.end(), std::back_inserter(told),
               [&](const Finding& finding) { return everything || finding.severity != Severity::info; });
  std::stable_sort(told.begin(), told.end(), [](const auto& a, const auto& b) { return a.severity > b.severity; });
  print_findings(context.out, context.terminal, told);
}

}  // namespace

int check(const Context& context) {
  const auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  const auto names = chosen_certificates(context, configuration->settings);
  if (names.empty()) {
    if (context.line.all) std::cerr << "the configuration has no certificates\n";
    return context.line.all ? exit_done : exit_usage;
  }
  const auto checks = look(configuration, names, context.line.online_provider);
  if (context.line.json) {
    boost::json::array array;
    for (const auto& one : checks) array.push_back(service::to_json(one));
    service::print_json(context.out, boost::json::object{{"certificates", std::move(array)}});
  } else {
    // Of many only what needs somebody's attention.
    const bool everything = checks.size() == 1 || context.line.verbosity >= 1;
    for (const auto& one : checks) print(context, one, everything);
  }
  const bool blocked = std::any_of(checks.begin(), checks.end(),
                                   [](const auto& one) { return worst(one.findings) == Finding::Severity::blocking; });
  return blocked ? exit_blocked : exit_done;
}

}  // namespace certherd::cli
