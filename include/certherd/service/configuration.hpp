#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/settings.hpp>

#include <filesystem>
#include <vector>

namespace certherd::service {

/// The configuration together with the plugins-map that it refers to.
struct Configuration {
  Settings settings;     ///< to be used only when `faults` is empty
  PluginsMap providers;  ///< as far as it was read
  std::vector<Fault> faults;
  std::vector<Fault> warnings;

  bool valid() const { return faults.empty(); }
};

/// How much of the plugins-map is read: the entries that the configuration names, or all. Reading all takes longer than
/// the rest of most verbs, and a faulty entry that nobody uses should stop no renewal.
enum class MapExtent { named, whole };

/// Reads the plugins-map (ours, then the one beside the configuration file, which adds or replaces entries) and the
/// configuration, and `further` files as if it included them. Credentials are not looked at: see check_surroundings.
Configuration load_configuration(const std::filesystem::path& file, MapExtent extent = MapExtent::named,
                                 const std::vector<std::filesystem::path>& further = {});

/// Adds what is wrong outside of the configuration's own text, for `config check`: the credentials of every account,
/// the CA bundles, and settings of the host's own certbot that spoil every run.
void check_surroundings(Configuration& configuration);

/// The trust anchors of a CA that has a `ca_bundle`, PEM. Fault: not readable, or no certificate in it.
Result<std::string> read_ca_bundle(const Ca& ca);

/// Settings in the host's /etc/letsencrypt/cli.ini that certbot cannot be told to ignore.
std::vector<Fault> host_certbot_faults();

/// Where our own plugins-map lies: below the prefix that the program was installed or built into.
std::filesystem::path own_plugins_map();
/// And a Python program of ours that certbot's interpreter runs (certbot/engine.hpp).
std::filesystem::path own_python(const std::string& name);

}  // namespace certherd::service
