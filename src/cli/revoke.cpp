#include "run_text.hpp"
#include "runs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/cli/progress.hpp>
#include <certherd/os/unix_http.hpp>
#include <certherd/service/json.hpp>
#include <certherd/service/revoke.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

namespace certherd::cli {
namespace {

using service::RevokeOutcome;

/// Has the running service do it, and waits; nullopt: no service runs.
std::optional<RevokeOutcome> revoke_by_service(const Context& context, const Settings& settings,
                                               const std::string& name) {
  const bool output = context.line.verbosity >= 2 && !context.line.json;
  os::UnixRequest request;
  request.socket = settings.paths.control_socket();
  request.method = "POST";
  request.target = "/v1/certificates/" + percent_encoded(name) + "/revoke";
  request.body = boost::json::serialize(boost::json::object{{"reason", context.line.reason}, {"output", output}});
  boost::asio::io_context io(1);  // nothing ticks: there are no phases to show
  Terminal terminal = context.terminal;
  terminal.interactive = terminal.colour = false;
  const auto observer = make_progress(io.get_executor(), terminal, {false, false, output}, context.out);
  std::optional<RevokeOutcome> outcome;
  std::optional<Fault> fault;
  std::string first;  // all of a refusal
  const auto status = os::unix_stream(request, [&](std::string_view line) {
    if (first.empty()) first = line;
    if (fault || outcome) return true;
    auto said = service::replay_revocation(std::string(line), *observer);
    if (!said)
      fault = said.fault();
    else if (*said)
      outcome = std::move(**said);
    return true;
  });
  if (!status) throw Failed(status.fault());
  if (!*status) return std::nullopt;
  if (**status >= 400) throw refused_by_service(**status, first);
  if (fault) throw Failed(*fault);
  if (!outcome)
    throw Failed({"the service ended before " + name + " was revoked",
                  "'certherd audit tail' tells whether it was; it is no harm to ask again",
                  {}});
  return outcome;
}

void print(const Context& context, const RevokeOutcome& outcome, bool by_service) {
  std::ostream& out = context.out;
  const std::string& name = outcome.certificate;
  const std::string what =
      "serial " + outcome.serial + ", valid until " + format_utc_minutes(outcome.not_after) + " UTC";
  if (outcome.failure) {
    out << name << ": " << coloured(context.terminal, Colour::red, "not revoked") << ": " << what << '\n';
    print_failure(out, context.terminal, *outcome.failure);
    out << "  certbot's own words: " << outcome.transcript.string() << '\n';
    return;
  }
  out << name << ": " << coloured(context.terminal, Colour::green, outcome.already_revoked ? "was revoked" : "revoked")
      << (outcome.already_revoked ? " already: " : ": ") << what << '\n';
  if (outcome.by_own_key) out << "  signed with the certificate's own key\n";
  out << "  its files stay published until they are replaced: "
      << (by_service ? "the service orders a new certificate now; 'certherd why " + name + "' shows it"
                     : "'certherd issue " + name + "', or the service at its next start")
      << '\n';
}

}  // namespace

int revoke(const Context& context) {
  const auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  const std::string& name = context.line.names.front();
  if (!configuration->settings.find(name)) {
    print_unknown_certificate(name, configuration->settings);
    return exit_usage;
  }
  auto outcome = revoke_by_service(context, configuration->settings, name);
  const bool by_service = outcome.has_value();
  if (!by_service) outcome = revoke_here(context, configuration, {name, context.line.reason, local_user()}).or_throw();
  if (context.line.json)
    service::print_json(context.out, service::to_json(*outcome));
  else
    print(context, *outcome, by_service);
  return outcome->revoked() ? exit_done : exit_failed;
}

}  // namespace certherd::cli
