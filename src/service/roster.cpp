#include <certherd/base/text.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/service/roster.hpp>
#include <certherd/store/current.hpp>
#include <certherd/store/pem.hpp>

#include <sys/stat.h>

#include <cstdlib>

namespace certherd::service {
namespace {

std::optional<CertificateFacts> saved_facts(const Paths& paths, const std::string& name) {
  const auto lineage = certbot::lineage_of(paths.certbot_dir(name) / "config", name);
  const auto facts = store::read_facts_file(lineage.cert);
  return facts ? std::optional(*facts) : std::nullopt;
}

/// Changes whenever the file is written or replaced.
std::string stamp(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return "none";
  return std::to_string(status.st_ino) + "." + std::to_string(status.st_ctim.tv_sec) + "." +
         std::to_string(status.st_ctim.tv_nsec) + "." + std::to_string(status.st_size);
}

std::string stamp(const ValueSource& source) {
  switch (source.kind) {
    case ValueSource::Kind::file:
      return source.text + "=" + stamp(std::filesystem::path(source.text));
    case ValueSource::Kind::systemd_credential: {
      const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
      return source.text + "=" + (directory ? stamp(std::filesystem::path(directory) / source.text) : "none");
    }
    case ValueSource::Kind::env:
      return source.text;  // of this process: never changes
    case ValueSource::Kind::literal:
      return std::to_string(std::hash<std::string>{}(source.text));
  }
  return {};
}

}  // namespace

Roster::Roster(ConfigurationPtr configuration, journal::Journal* journal, bool published_only)
    : configuration_(std::move(configuration)), published_only_(published_only) {
  if (journal) {
    for (auto& state : journal->states()) forgotten_.emplace(state.certificate, std::move(state));
    deployed_ = journal->last_deployed();
  }
  enlist();
}

void Roster::enlist() {
  std::map<std::string, Entry> entries;
  for (const auto& certificate : settings().certificates) {
    Entry& entry = entries[certificate.name];
    if (const auto known = entries_.find(certificate.name); known != entries_.end()) {
      entry = std::move(known->second);
      entries_.erase(known);
    } else {
      if (const auto state = forgotten_.find(certificate.name); state != forgotten_.end())
        entry.state = std::move(state->second);
      entry.state.certificate = certificate.name;
      if (const auto run = deployed_.find(certificate.name); run != deployed_.end()) {
        entry.published_ca = run->second.ca;
        entry.published_for = run->second.domains;
      }
      refresh(entry = Entry{&certificate, {}, {}, entry.published_ca, entry.published_for, entry.state});
    }
    forgotten_.erase(certificate.name);
    entry.certificate = &certificate;
  }
  for (auto& [name, entry] : entries_) forgotten_.emplace(name, std::move(entry.state));
  entries_ = std::move(entries);
  deployed_.clear();
}

Entry* Roster::find(const std::string& name) {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

void Roster::use(ConfigurationPtr configuration) {
  configuration_ = std::move(configuration);
  enlist();
}

std::vector<std::string> Roster::forgotten() const {
  std::vector<std::string> names;
  for (const auto& [name, state] : forgotten_) names.push_back(name);
  return names;
}

void Roster::refresh(Entry& entry) const {
  entry.current = store::current(settings().paths, entry.certificate->name);
  if (!published_only_) entry.saved = saved_facts(settings().paths, entry.certificate->name);
}

renewal::Decision Roster::decide(const Entry& entry, TimePoint now, bool forced, bool explain) const {
  renewal::Situation situation{*entry.certificate, {}, entry.saved, {}, {}, now, forced};
  situation.state = &entry.state;
  situation.explain = explain;
  if (entry.state.failures > 0)  // without a look at certbot nothing is known to have changed
    situation.fingerprint = installed_
                                ? fingerprint(*configuration_, *entry.certificate,
                                              plugin_version_of(*configuration_, installed_.get(), *entry.certificate))
                                : entry.state.fingerprint;
  if (entry.current) {
    situation.published = entry.current->facts;
    situation.published_ca = entry.published_ca;
    situation.published_for = entry.published_for;
    situation.published_profile = entry.state.profile;
  }
  return renewal::decide(situation);
}

std::string plugin_version_of(const Configuration& configuration, const certbot::InstalledCertbot* certbot,
                              const Certificate& certificate) {
  if (!certbot) return {};
  const auto provider = configuration.providers.find(certificate.provider);
  if (provider == configuration.providers.end()) return {};
  const auto plugin = certbot->authenticators.find(provider->second.authenticator);
  return plugin == certbot->authenticators.end() ? "" : plugin->second + ", certbot " + certbot->version_text;
}

std::string fingerprint(const Configuration& configuration, const Certificate& certificate,
                        const std::string& plugin_version) {
  const Settings& settings = configuration.settings;
  std::vector<std::string> parts{certificate.provider, certificate.account, certificate.ca, plugin_version};
  parts.insert(parts.end(), certificate.domains.begin(), certificate.domains.end());
  parts.insert(parts.end(), certificate.certbot_args.begin(), certificate.certbot_args.end());
  const auto& ca = settings.cas.at(certificate.ca);
  parts.push_back(ca.server);
  if (ca.ca_bundle) parts.push_back(stamp(*ca.ca_bundle));
  if (ca.eab) parts.push_back(ca.eab->kid + stamp(ca.eab->hmac_key));
  if (const auto found = settings.accounts.find(certificate.account); found != settings.accounts.end()) {
    const Account& account = found->second;
    parts.insert(parts.end(), account.zones.begin(), account.zones.end());
    if (account.credentials_file) parts.push_back(stamp(*account.credentials_file));
    for (const auto& [key, source] : account.credentials) parts.push_back(key + ":" + stamp(source));
  }
  // Only ever compared with another one of ours.
  return std::to_string(std::hash<std::string>{}(join(parts, "\n")));
}

}  // namespace certherd::service
