#pragma once

#include "section.hpp"

#include <certherd/config/domain.hpp>
#include <certherd/config/load.hpp>

#include <map>

namespace certherd::config {

/// What all readers of entries need and fill.
struct Loading {
  const ProviderLookup& providers;
  const std::map<std::string, KnownCa>& known_cas;
  LoadedConfig out;
  std::string default_ca = "letsencrypt";
  SourceMark default_ca_mark;
  FileAccess default_files;
  std::vector<std::string> default_hooks;
};

void read_cas(const os::YamlNode& node, Loading& loading);
void read_accounts(const os::YamlNode& node, Loading& loading);
void read_hooks(const os::YamlNode& node, Loading& loading);
/// After every file's cas, accounts and hooks: certificates refer to them.
void read_certificates(const os::YamlNode& node, Loading& loading);
void read_files(const os::YamlNode& node, FileAccess& files, Loading& loading);

/// A fault where `propagation_seconds` is given to a plugin that cannot be told.
void check_wait(Section& section, const Provider& provider);
/// Runs at a time: 1 to 1000.
std::optional<int> read_max_parallel(Section& section);
/// The limits that `rate_limits` of a CA gives in place of the built-in ones; `off`: none.
std::vector<RateLimit> read_rate_limits(const os::YamlNode& node, Section& ca);
/// The issuer domain names of a CA.
std::vector<std::string> read_caa_identities(Section& ca);
void read_dns(const os::YamlNode* node, DnsSettings& dns, Faults& faults);
/// A mode, or a map of `mode` and `provider_api`.
void read_preflight(Section& main, Settings& settings);
void read_propagation(const os::YamlNode* node, PropagationSettings& propagation, Faults& faults);
/// What only the service needs: max_parallel, expiring, control, log_file.
void read_service(Section& main, Settings& settings);

/// Reports the second definition of a name; true when it is the first.
template <class Entry>
bool first_of_name(const std::map<std::string, Entry>& entries, const std::string& name, const std::string& kind,
                   const SourceMark& mark, Faults& faults) {
  const auto earlier = entries.find(name);
  if (earlier == entries.end() || earlier->second.mark.file.empty()) return true;
  faults.push_back(
      {kind + " '" + name + "' is defined a second time; the first is at " + to_string(earlier->second.mark),
       "keep one of them", mark});
  return false;
}

}  // namespace certherd::config
