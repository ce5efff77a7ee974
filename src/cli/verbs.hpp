#pragma once

#include <certherd/base/result.hpp>
#include <certherd/cli/command_line.hpp>
#include <certherd/cli/terminal.hpp>
#include <certherd/model/run.hpp>
#include <certherd/service/configuration.hpp>
#include <certherd/service/service.hpp>

#include <boost/json/value.hpp>

#include <ostream>
#include <vector>

namespace certherd::cli {

/// What a verb works with.
struct Context {
  const CommandLine& line;
  const Terminal& terminal;
  std::ostream& out;
  const service::Service::OpenEndpoint& open_endpoint;
};

int issue(const Context& context);
int check(const Context& context);
int run_service(const Context& context);
int why(const Context& context);
int hooks_list(const Context& context);
int hooks_retry(const Context& context);
int log_level(const Context& context);
int revoke(const Context& context);
int import_certbot(const Context& context);
int list(const Context& context);
int show(const Context& context);
int history(const Context& context);
int providers(const Context& context);
int config_check(const Context& context);
int audit_tail(const Context& context);
int audit_verify(const Context& context);

/// The terminal, without colour and live progress where JSON is printed.
Terminal quiet_for_json(const Context& context);

/// Asks the running service; nullopt: none runs. Throws Failed for what it refuses and when it cannot be asked.
std::optional<boost::json::value> ask_service(const Settings& settings, const std::string& method,
                                              const std::string& target, const std::string& body = {});

/// What the service refused, from the body of an answer with status 400 or higher.
Failed refused_by_service(int status, const std::string& body);

/// Faults and warnings to standard error, each with its place.
void print_faults(const std::vector<Fault>& faults, const char* kind);

/// Reads the configuration and prints its warnings. With faults: prints them and throws ConfigurationInvalid.
service::Configuration usable_configuration(const Context& context,
                                            service::MapExtent extent = service::MapExtent::named);
struct ConfigurationInvalid {};

/// Throws Failed when the state directory is there and this user may not enter it: nothing that is read from it would
/// be the truth.
void require_readable_state(const Settings& settings);

/// Who types: the user behind sudo is the one whom the audit log should name.
Actor local_user();

/// The Certificates that the line names, each once, or all with --all; empty after an unknown name has been reported.
std::vector<std::string> chosen_certificates(const Context& context, const Settings& settings);

/// A name that is none of the configuration's certificates: says so, with the one that was probably meant.
void print_unknown_certificate(const std::string& name, const Settings& settings);

}  // namespace certherd::cli
