#pragma once

#include <certherd/config/load.hpp>

#include <support/temp_dir.hpp>
#include <support/texts.hpp>

#include <map>
#include <string>
#include <vector>

namespace certherd::test {

inline PluginsMap test_providers() {
  PluginsMap map;
  const auto add = [&](const std::string& id, CredentialsKind kind) -> Provider& {
    Provider provider;
    provider.id = id;
    provider.authenticator = "dns-" + id;
    provider.credentials_kind = kind;
    if (kind != CredentialsKind::none) provider.propagation_flag = "--dns-" + id + "-propagation-seconds";
    return map[id] = provider;
  };
  add("cloudflare", CredentialsKind::ini_file);
  add("rfc2136", CredentialsKind::ini_file);
  add("duckdns", CredentialsKind::ini_file).single_txt = true;
  add("route53", CredentialsKind::environment);
  add("standalone", CredentialsKind::none);
  return map;
}

inline const std::map<std::string, KnownCa> test_cas{
    {"letsencrypt", {"https://le.example/directory", false, {{RateLimit::Kind::exact_set, 5, Seconds(604800)}}}},
    {"zerossl", {"https://zero.example/directory", true}}};

/// A configuration in a directory of its own, and what loading it gave.
struct Loaded {
  TempDir dir;
  config::LoadedConfig config;

  explicit Loaded(const std::string& text) { load(text); }
  Loaded() = default;
  void load(const std::string& text) {
    config = config::load_config(dir.write("certherd.yaml", text), test_providers(), test_cas);
  }
  /// The faults as "line:column message; fix".
  Texts faults() const { return texts(config.faults); }
  Texts warnings() const { return texts(config.warnings); }

private:
  static Texts texts(const std::vector<Fault>& faults) {
    Texts out;
    for (const auto& fault : faults) {
      std::string place;
      if (fault.mark) place = std::to_string(fault.mark->line) + ":" + std::to_string(fault.mark->column) + " ";
      out.push_back(place + fault.text());
    }
    return out;
  }
};

inline const std::string head = "agree_tos: true\n";
inline const std::string with_account =
    head + "accounts:\n  main: {provider: cloudflare, zones: [example.com], credentials_file: cf.ini}\n";

}  // namespace certherd::test
