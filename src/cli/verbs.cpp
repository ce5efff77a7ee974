#include "verbs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/cli/verbs.hpp>
#include <certherd/config/load.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/log.hpp>

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>

namespace certherd::cli {

void print_faults(const std::vector<Fault>& faults, const char* kind) {
  for (const auto& fault : faults) std::cerr << kind << config::show_fault(fault) << '\n';
}

service::Configuration usable_configuration(const Context& context, service::MapExtent extent) {
  auto configuration = service::load_configuration(context.line.config, extent);
  if (!configuration.valid()) {
    print_faults(configuration.faults, "");
    const auto count = configuration.faults.size();
    std::cerr << "the configuration has " << count << (count == 1 ? " fault" : " faults") << "; nothing was done\n";
    throw ConfigurationInvalid{};
  }
  print_faults(configuration.warnings, "warning: ");
  return configuration;
}

void require_readable_state(const Settings& settings) {
  const auto& directory = settings.paths.state_dir;
  if (::access(directory.c_str(), R_OK | X_OK) == 0 || errno == ENOENT) return;
  throw Failed(os::system_fault("cannot read the state directory", directory, errno));
}

void print_unknown_certificate(const std::string& name, const Settings& settings) {
  std::vector<std::string> names;
  for (const auto& certificate : settings.certificates) names.push_back(certificate.name);
  std::cerr << "there is no certificate '" << printable(name) << "' in " << settings.file.string();
  if (const auto meant = closest(name, names)) std::cerr << "; did you mean '" << *meant << "'?";
  std::cerr << '\n';
}

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

std::vector<std::string> chosen_certificates(const Context& context, const Settings& settings) {
  std::vector<std::string> names;
  if (context.line.all) {
    for (const auto& certificate : settings.certificates) names.push_back(certificate.name);
    return names;
  }
  for (const auto& name : context.line.names) {
    if (!settings.find(name)) {
      print_unknown_certificate(name, settings);
      return {};
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

int run_verb(const CommandLine& line, const Terminal& terminal, std::ostream& out,
             const service::Service::OpenEndpoint& open_endpoint) {
  const Context context{line, terminal, out, open_endpoint};
  if (line.verbosity >= 1) os::set_log_level(line.verbosity >= 2 ? os::LogLevel::debug : os::LogLevel::info);
  try {
    switch (line.verb) {
      case Verb::issue:
        return issue(context);
      case Verb::check:
        return check(context);
      case Verb::run:
        return run_service(context);
      case Verb::why:
        return why(context);
      case Verb::hooks_list:
        return hooks_list(context);
      case Verb::hooks_retry:
        return hooks_retry(context);
      case Verb::log_level:
        return log_level(context);
      case Verb::revoke:
        return revoke(context);
      case Verb::import_certbot:
        return import_certbot(context);
      case Verb::list:
        return list(context);
      case Verb::show:
        return show(context);
      case Verb::history:
        return history(context);
      case Verb::config_check:
        return config_check(context);
      case Verb::providers:
        return providers(context);
      case Verb::audit_tail:
        return audit_tail(context);
      case Verb::audit_verify:
        return audit_verify(context);
    }
  } catch (const ConfigurationInvalid&) {
    return exit_configuration;
  }
  return exit_usage;
}

}  // namespace certherd::cli
