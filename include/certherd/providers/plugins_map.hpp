#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace certherd::providers {

/// What the directories hold, and everything that is wrong with them. An entry with a fault is left out, so that one
/// bad file of an administrator never disables the others.
struct LoadedPluginsMap {
  PluginsMap providers;
  std::vector<Fault> faults;  ///< each with a mark
};

/// The plugins-map, read entry by entry as they are asked for: a configuration names a few of its hundred.
///
/// It consists of every "<id>.yaml" of the directories; plugins-map/README.md describes the format. A later directory
/// adds to an earlier one and replaces entries of the same id whole. A missing directory holds no entries.
class PluginsMapReader {
public:
  explicit PluginsMapReader(const std::vector<std::filesystem::path>& directories);

  /// nullptr: there is no such entry, or none without a fault. The pointer is good until take().
  const Provider* find(const std::string& id);
  /// All ids, but those that were found to be faulty.
  std::vector<std::string> ids() const;
  /// The entries that were asked for, their faults, and what is wrong with directories and the names of files.
  LoadedPluginsMap take() { return std::move(loaded_); }

private:
  std::multimap<std::string, std::filesystem::path> files_;  ///< by id; those of one in the order of the directories
  std::set<std::string> read_;
  LoadedPluginsMap loaded_;
};

/// Reads the plugins-map whole.
LoadedPluginsMap load_plugins_map(const std::vector<std::filesystem::path>& directories);

}  // namespace certherd::providers
