#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/settings.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace certherd::config {

struct LoadedConfig {
  Settings settings;            ///< to be used only when `faults` is empty
  std::vector<Fault> faults;    ///< all of them, in the order of their places
  std::vector<Fault> warnings;  ///< works, yet is probably not what was meant
};

/// Where the providers are found that the configuration names.
struct ProviderLookup {
  std::function<const Provider*(const std::string& id)> find;  ///< nullptr: there is none; valid as long as the lookup
  std::function<std::vector<std::string>()> ids;               ///< all there are, to tell what was probably meant

  ProviderLookup(std::function<const Provider*(const std::string& id)> find,
                 std::function<std::vector<std::string>()> ids)
      : find(std::move(find)), ids(std::move(ids)) {}
  /// A map that has been read whole; it must outlive the lookup.
  ProviderLookup(const PluginsMap& map);
};

/// Reads the configuration file and what it includes, and the `further` files as if it included them too. Everything
/// that can be wrong with the text is found here; what needs the credentials themselves (files, required keys) is
/// checked by the providers room.
LoadedConfig load_config(const std::filesystem::path& file, const ProviderLookup& providers,
                         const std::map<std::string, KnownCa>& known_cas,
                         const std::vector<std::filesystem::path>& further = {});

/// A fault for people: "file:line:column: message", the source line, a caret below the place, the fix.
/// Without a mark: the message and the fix. No trailing newline.
std::string show_fault(const Fault& fault);

}  // namespace certherd::config
