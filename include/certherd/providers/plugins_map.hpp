#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>

#include <filesystem>
#include <vector>

namespace certherd::providers {

/// What the directories hold, and everything that is wrong with them. An entry with a fault is left out, so that one
/// bad file of an administrator never disables the others.
struct LoadedPluginsMap {
  PluginsMap providers;
  std::vector<Fault> faults;  ///< in the order of directories, files and lines; each with a mark
};

/// Reads every "<id>.yaml" of the directories; plugins-map/README.md describes the format. A later directory adds to an
/// earlier one and replaces entries of the same id whole. A missing directory holds no entries.
LoadedPluginsMap load_plugins_map(const std::vector<std::filesystem::path>& directories);

}  // namespace certherd::providers
