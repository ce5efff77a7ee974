#include <certherd/base/text.hpp>
#include <certherd/ca/known_cas.hpp>
#include <certherd/certbot/arguments.hpp>
#include <certherd/config/load.hpp>
#include <certherd/os/file.hpp>
#include <certherd/providers/credentials.hpp>
#include <certherd/providers/plugins_map.hpp>
#include <certherd/service/configuration.hpp>

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

void append(std::vector<Fault>& to, const std::vector<Fault>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void check_certbot_arguments(Configuration& configuration) {
  for (const auto& certificate : configuration.settings.certificates) {
    const auto provider = configuration.providers.find(certificate.provider);
    if (provider == configuration.providers.end()) continue;  // a fault already
    for (const auto& argument : certificate.certbot_args) {
      auto refused = certbot::refused_argument(argument, provider->second);
      if (!refused) continue;
      refused->mark = certificate.mark;
      configuration.faults.push_back(std::move(*refused));
    }
  }
}

}  // namespace

namespace {

/// Where something of ours lies: below the prefix that the program was installed or built into.
fs::path ours(const std::string& below_prefix, const fs::path& otherwise) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return otherwise;
  fs::path beside = program.parent_path().parent_path() / below_prefix;
  return fs::exists(beside, error) ? beside : otherwise;
}

}  // namespace

fs::path own_plugins_map() {
  return ours("share/certherd/plugins-map", fs::path(CERTHERD_DATADIR) / "plugins-map");
}

fs::path own_python(const std::string& name) {
  return ours("libexec/certherd/" + name, fs::path(CERTHERD_LIBEXECDIR) / name);
}

Configuration load_configuration(const fs::path& file, MapExtent extent, const std::vector<fs::path>& further) {
  Configuration configuration;
  const fs::path own = own_plugins_map();
  const fs::path administrators = fs::absolute(file).parent_path() / "plugins-map";
  providers::PluginsMapReader reader({own, administrators});
  const auto ids = reader.ids();
  if (extent == MapExtent::whole)
    for (const auto& id : ids) reader.find(id);
  auto config =
      config::load_config(file, {[&](const std::string& id) { return reader.find(id); }, [&] { return reader.ids(); }},
                          ca::known_cas(), further);
  auto map = reader.take();
  configuration.providers = std::move(map.providers);
  configuration.faults = std::move(map.faults);
  if (ids.empty() && configuration.faults.empty())
    configuration.faults.push_back({"the plugins-map " + own.string() + " is missing", "install certherd again", {}});
  configuration.settings = std::move(config.settings);
  append(configuration.faults, config.faults);
  append(configuration.warnings, config.warnings);
  check_certbot_arguments(configuration);
  return configuration;
}

Result<std::string> read_ca_bundle(const Ca& ca) {
  auto anchors = os::read_file(*ca.ca_bundle);
  if (!anchors)
    return Fault{"the ca_bundle of CA '" + ca.id + "': " + anchors.fault().message,
                 "give the CA's root certificate in PEM form", ca.mark};
  if (contains(*anchors, "-----BEGIN CERTIFICATE-----")) return anchors;
  return Fault{"the ca_bundle " + ca.ca_bundle->string() + " of CA '" + ca.id + "' holds no PEM certificate",
               "give the CA's root certificate in PEM form", ca.mark};
}

std::vector<Fault> host_certbot_faults() {
  const std::string file = "/etc/letsencrypt/cli.ini";
  const auto text = os::read_file(file);
  return text ? certbot::cli_ini_faults(*text, file) : std::vector<Fault>{};
}

void check_surroundings(Configuration& configuration) {
  for (const auto& [id, account] : configuration.settings.accounts) {
    const auto provider = configuration.providers.find(account.provider);
    if (provider == configuration.providers.end()) continue;  // a fault already
    const auto check = providers::check_credentials(account, provider->second);
    append(configuration.faults, check.faults);
    append(configuration.warnings, check.warnings);
  }
  for (const auto& [id, ca] : configuration.settings.cas) {
    if (!ca.ca_bundle) continue;
    if (const auto bundle = read_ca_bundle(ca); !bundle) configuration.faults.push_back(bundle.fault());
  }
  append(configuration.warnings, host_certbot_faults());
}

}  // namespace certherd::service
