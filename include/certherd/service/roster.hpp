#pragma once

#include <certherd/certbot/installed.hpp>
#include <certherd/journal/journal.hpp>
#include <certherd/model/generation.hpp>
#include <certherd/model/state.hpp>
#include <certherd/os/file.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/service/configuration.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certherd::service {

/// A configuration in force: Runs keep the one that they began with.
using ConfigurationPtr = std::shared_ptr<const Configuration>;

/// What is known of one configured Certificate while certherd works.
struct Entry {
  const Certificate* certificate = nullptr;  ///< in the configuration in force
  std::optional<Generation> current;         ///< in the store
  /// In certbot's lineage, where it is another one than `current`; with ten thousand of them a copy would count.
  std::optional<CertificateFacts> saved;
  bool saved_is_current = false;           ///< the lineage holds what is published
  std::string published_ca;                ///< empty: unknown
  std::vector<std::string> published_for;  ///< domains that were ordered; empty: unknown
  CertificateState state;
  bool read = false;            ///< store and lineage have been
  os::FileStamp current_stamp;  ///< of what was read last
  os::FileStamp saved_stamp;
  TimePoint due = TimePoint::max();  ///< when something is to be done, as the Scheduler saw it last
};

/// Every configured Certificate with what store, lineage and database say of it. On the io_context's thread alone.
class Roster {
public:
  /// `journal`: nullptr when there is no database yet. With `published_only` certbot's lineages are not looked at, for
  /// verbs that only tell.
  Roster(ConfigurationPtr configuration, journal::Journal* journal, bool published_only = false);

  const ConfigurationPtr& configuration() const { return configuration_; }
  const Settings& settings() const { return configuration_->settings; }
  /// With what store and lineage say; the first to ask has them read. nullptr: not configured.
  Entry* find(const std::string& name);
  /// Has all of them read, by several threads when they are many: for verbs, whose user waits.
  void read_all();
  /// All of them. What store and lineage say is missing in those that are not `read` yet: with ten thousand a service
  /// that read them all first would be ready half a second later.
  const std::map<std::string, Entry>& entries() const { return entries_; }

  /// Another configuration is in force. What is known of Certificates of the same name stays.
  void use(ConfigurationPtr configuration);
  /// Names that the database knows and the configuration does not.
  std::vector<std::string> forgotten() const;
  void drop_forgotten(const std::string& name) { forgotten_.erase(name); }
  /// Reads store and lineage again where they have changed.
  void refresh(Entry& entry) const;

  /// What is to be done for a Certificate now. `explain`: with the reasoning.
  renewal::Decision decide(const Entry& entry, TimePoint now, bool forced = false, bool explain = false) const;

  /// The certbot that was found installed, as far as somebody has looked: a failure that needs a plugin is over when it
  /// is there.
  void saw(std::shared_ptr<const certbot::InstalledCertbot> installed) { installed_ = std::move(installed); }
  const std::shared_ptr<const certbot::InstalledCertbot>& installed() const { return installed_; }

private:
  void enlist();
  void refresh_saved(Entry& entry, const std::filesystem::path& published) const;

  ConfigurationPtr configuration_;
  bool published_only_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, CertificateState> forgotten_;
  std::map<std::string, Run> deployed_;
  std::shared_ptr<const certbot::InstalledCertbot> installed_;
};

/// "distribution version" of the plugin that the Certificate needs, and certbot's version; empty: not installed, or no
/// certbot at all (nullptr).
std::string plugin_version_of(const Configuration& configuration, const certbot::InstalledCertbot* certbot,
                              const Certificate& certificate);

/// What a failure that only a change can mend depends on: the Certificate's and its Account's configuration, the
/// credentials' files (by their change times, never their contents) and the plugin's version.
std::string fingerprint(const Configuration& configuration, const Certificate& certificate,
                        const std::string& plugin_version);

}  // namespace certherd::service
