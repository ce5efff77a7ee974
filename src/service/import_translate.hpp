#pragma once

#include <certherd/service/import_certbot.hpp>

#include <string>
#include <vector>

#include "lineage_conf.hpp"

namespace certherd::service {

/// Turns lineages into entries of the configuration, one after the other, and collects what they share.
class ImportTranslation {
public:
  ImportTranslation(CertbotImport& import, const Settings& settings, const PluginsMap& providers, TimePoint now)
      : import_(import), settings_(settings), providers_(providers), now_(now) {}

  /// Programs that certbot runs after every renewal; every certificate gets them.
  void add_directory_hooks(const std::vector<std::filesystem::path>& programs);
  /// One renewal/NAME.conf: an ImportedCertificate, or a remark that says why not.
  void add(const std::filesystem::path& file);
  /// Gives every new account the zones that its certificates need.
  void finish_accounts();

private:
  struct LeftOut {
    std::string why;
  };

  void translate(const LineageConf& conf, ImportedCertificate& one);
  void read_files(const LineageConf& conf, ImportedCertificate& one);
  void take_domains(ImportedCertificate& one);
  void take_key(const LineageConf& conf, ImportedCertificate& one);
  void take_options(const LineageConf& conf, ImportedCertificate& one);
  void take_ca(const LineageConf& conf, ImportedCertificate& one);
  void take_hooks(const LineageConf& conf, ImportedCertificate& one);
  const Provider& take_provider(const LineageConf& conf, ImportedCertificate& one);
  void take_account(const LineageConf& conf, const Provider& provider, ImportedCertificate& one);
  void take_certbot_args(const LineageConf& conf, const Provider& provider, ImportedCertificate& one);
  void check(const Provider& provider, ImportedCertificate& one);

  std::string hook_for(const std::vector<std::string>& command, const std::string& wanted_id);
  const std::vector<std::string>& command_of(const std::string& hook) const;
  std::string account_for(const Provider& provider, const std::filesystem::path& file, const ImportedCertificate& one);
  void remark(const ImportedCertificate& one, const std::string& text) {
    import_.remarks.push_back({one.wanted.name, text, false, {}});
  }

  CertbotImport& import_;
  const Settings& settings_;
  const PluginsMap& providers_;
  TimePoint now_;
  std::vector<std::string> hooks_of_all_;
};

/// The option of renewal/NAME.conf that belongs to a flag: "--dns-x-credentials" → "dns_x_credentials".
std::string option_of_flag(const std::string& flag);

}  // namespace certherd::service
