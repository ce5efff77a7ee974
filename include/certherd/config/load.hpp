#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/settings.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace certherd::config {

struct LoadedConfig {
  Settings settings;            ///< to be used only when `faults` is empty
  std::vector<Fault> faults;    ///< all of them, in the order of their places
  std::vector<Fault> warnings;  ///< works, yet is probably not what was meant
};

/// Reads the configuration file and what it includes. Everything that can be wrong with the text is found here; what
/// needs the credentials themselves (files, required keys) is checked by the providers room.
LoadedConfig load_config(const std::filesystem::path& file, const PluginsMap& providers,
                         const std::map<std::string, KnownCa>& known_cas);

/// A fault for people: "file:line:column: message", the source line, a caret below the place, the fix.
/// Without a mark: the message and the fix. No trailing newline.
std::string show_fault(const Fault& fault);

}  // namespace certherd::config
