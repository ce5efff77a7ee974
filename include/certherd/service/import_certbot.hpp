#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/service/state.hpp>
#include <certherd/store/pem.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certherd::service {

/// A lineage of certbot that goes over: its certificate is whole, valid, and one that certherd could renew.
struct ImportedCertificate {
  Certificate wanted;       ///< as the configuration will say it, or says it already
  bool configured = false;  ///< the configuration has a certificate of this name
  std::filesystem::path live;
  CertificateFacts facts;
  store::PemSet pems;  ///< as they were when they were checked
};

/// What somebody should know about a lineage, or (without one) about the whole import.
struct ImportRemark {
  std::string lineage;
  std::string text;
  bool left_out = false;             ///< because of this the lineage does not go over
  std::optional<Certificate> entry;  ///< what its entry would be, as far as it could be made out
};

/// Everything that certbot's configuration directory says, in certherd's words.
struct CertbotImport {
  std::filesystem::path directory;
  std::vector<ImportedCertificate> certificates;  ///< by name
  std::map<std::string, Ca> cas;                  ///< those that the configuration does not have
  std::map<std::string, Account> accounts;        ///< likewise; by id
  std::map<std::string, Hook> hooks;              ///< likewise
  std::vector<ImportRemark> remarks;

  bool has_news() const;  ///< whether there is anything for the configuration
};

/// Reads DIR/renewal/*.conf and DIR/live (certbot 0.x to 5.x) and changes nothing. A lineage that cannot go over
/// becomes a remark. `settings`: the configuration that the result will belong to; its CAs, accounts and names are used
/// and never redefined. `providers`: the whole plugins-map. Fault: DIR is not a configuration directory of certbot, or
/// cannot be read.
Result<CertbotImport> read_certbot_directory(const std::filesystem::path& directory, const Settings& settings,
                                             const PluginsMap& providers, TimePoint now);

/// A file for conf.d, with every remark as a comment where it belongs. `now`: for its first line.
std::string import_yaml(const CertbotImport& import, TimePoint now);

/// What became of one certificate in adopt().
struct Adopted {
  std::string certificate;
  std::optional<Generation> generation;  ///< what was published
  std::string note;                      ///< why nothing was, when that is as it should be
  std::optional<Fault> fault;            ///< why nothing was, when it should have been
};

/// Publishes the PEM files of the imported certificates through the store, without a new order: each becomes the first
/// Generation of its name, with a Run in the journal and an entry "import" in the audit log. Where something is
/// published already, nothing happens. Hooks do not run: whoever uses certbot's files goes on using them until told
/// otherwise. `settings` are those with the imported configuration. Throws Failed when journal or audit log cannot be
/// written.
std::vector<Adopted> adopt(State& state, const Settings& settings, const CertbotImport& import, const Actor& actor,
                           TimePoint now);

}  // namespace certherd::service
