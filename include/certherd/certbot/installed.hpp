#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/version.hpp>
#include <certherd/os/stop.hpp>

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace certherd::certbot {

/// The certbot of this host.
struct InstalledCertbot {
  std::filesystem::path executable;
  Version version;
  std::string version_text;                           ///< as certbot writes it: "2.1.0", "5.7.0.dev0"
  std::filesystem::path interpreter;                  ///< its Python; empty when the executable is no Python script
  std::map<std::string, std::string> authenticators;  ///< plugin name -> "distribution version"; "" when not known
  std::vector<std::string> broken;  ///< plugins whose module is not there, each as "name (distribution version): why"
};

/// Looks at an installed certbot without running it: its interpreter reads the packages' metadata (about 50 ms; certbot
/// --version costs 0.7 s). An executable that is not a Python script (snap, a wrapper) is asked itself. The answer is
/// kept in `cache_file` until the executable or the package directories change.
/// Faults: it is missing, not executable, or does not answer as certbot does.
boost::asio::awaitable<Result<InstalledCertbot>> inspect_certbot(std::filesystem::path executable,
                                                                 std::filesystem::path cache_file,
                                                                 os::StopSignal& stop);

/// The interpreter in a script's first line, or empty. `#!/usr/bin/env python3` is looked up in /usr/local/bin,
/// /usr/bin and /bin.
std::filesystem::path script_interpreter(const std::filesystem::path& script);

/// "certbot 2.1.0" -> "2.1.0"; empty when the text is not that.
std::string version_in_output(std::string_view output);
/// Names in the output of `certbot plugins --authenticators`: the lines "* NAME".
std::vector<std::string> plugins_in_output(std::string_view output);

}  // namespace certherd::certbot
