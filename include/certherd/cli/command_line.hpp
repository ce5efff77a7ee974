#pragma once

#include <certherd/base/time.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace certherd::cli {

/// Exit codes of the program.
enum ExitCode {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_configuration = 3,
  exit_blocked = 4,      ///< by the preflight check
  exit_some_failed = 5,  ///< some of several
  exit_state_held = 6    ///< another certherd holds the state directory
};

enum class Verb {
  run,
  issue,
  check,
  why,
  hooks_list,
  hooks_retry,
  log_level,
  revoke,
  import_certbot,
  list,
  show,
  history,
  config_check,
  providers,
  audit_tail,
  audit_verify
};

/// What the arguments say.
struct CommandLine {
  std::filesystem::path config = "/etc/certherd/certherd.yaml";
  bool json = false;
  int verbosity = 0;  ///< -v: phases as lines; -vv: certbot's output too
  Verb verb{};
  std::vector<std::string> names;  ///< certificates, a run, a provider, a directory: what the verb takes
  bool all = false;
  bool online_provider = false;
  bool force = false;
  std::string level;  ///< of `log level`
  bool failed = false;
  bool write = false;                  ///< of import certbot
  std::string reason = "unspecified";  ///< of revoke, a word that certbot knows
  std::optional<Seconds> since;
  int limit = 0;
};

/// The arguments, or the exit code after help, version or a usage error has been printed.
std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv);

}  // namespace certherd::cli
