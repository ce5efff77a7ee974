#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>

#include <optional>
#include <string>
#include <vector>

namespace certherd::certbot {

/// Why an option of `certbot_args` is refused; nullopt: it may pass. Sees through what argparse accepts: unique
/// prefixes
/// ("--cert-na=x"), "=value" and short options with their value attached ("-dexample.com").
std::optional<Fault> refused_argument(const std::string& argument, const Provider& provider);

/// Settings of the host's own /etc/letsencrypt/cli.ini (`text`; `file` for the marks) that would spoil certherd's runs.
/// certbot reads that file whatever --config-dir says, and a flag that it switches on cannot be switched off in argv.
/// What takes a value is overridden by the commands of command.hpp.
std::vector<Fault> cli_ini_faults(const std::string& text, const std::string& file);

}  // namespace certherd::certbot
