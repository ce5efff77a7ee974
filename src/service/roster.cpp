#include <certherd/base/text.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/os/file.hpp>
#include <certherd/service/roster.hpp>
#include <certherd/store/current.hpp>
#include <certherd/store/pem.hpp>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <thread>

namespace certherd::service {
namespace {

/// Changes whenever the file is written or replaced.
std::string stamp(const std::filesystem::path& file) {
  const auto seen = os::stamp_of(file);
  if (seen.inode == 0) return "none";
  return std::to_string(seen.device) + "." + std::to_string(seen.inode) + "." + std::to_string(seen.changed);
}

/// Reading is quicker than parsing, and most often it is a copy.
bool same_bytes(const std::filesystem::path& one, const std::filesystem::path& other) {
  const auto first = os::read_file(one);
  const auto second = os::read_file(other);
  return first && second && *first == *second;
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
  if (found == entries_.end()) return nullptr;
  if (!found->second.read) refresh(found->second);
  return &found->second;
}

void Roster::read_all() {
  constexpr std::size_t many = 500;  // a thread's start is worth a few
  std::vector<Entry*> unread;
  for (auto& [name, entry] : entries_)
    if (!entry.read) unread.push_back(&entry);
  const std::size_t parts =
      std::clamp<std::size_t>(unread.size() / many, 1, std::max(1U, std::thread::hardware_concurrency()));
  const auto read = [&](std::size_t part) {
    for (std::size_t i = part; i < unread.size(); i += parts) refresh(*unread[i]);
  };
  std::vector<std::future<void>> others;
  for (std::size_t part = 1; part < parts; ++part) others.push_back(std::async(std::launch::async, read, part));
  read(0);
  for (auto& other : others) other.get();
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
  entry.read = true;
  const auto published = settings().paths.store_dir / entry.certificate->name / "cert.pem";
  const auto stamp = os::stamp_of(published);
  const bool changed = stamp.inode == 0 || stamp != entry.current_stamp;
  if (changed) {
    entry.current = store::current(settings().paths, entry.certificate->name);
    entry.current_stamp = stamp;
    entry.saved_stamp = {};
  }
  if (!published_only_) refresh_saved(entry, published);
}

void Roster::refresh_saved(Entry& entry, const std::filesystem::path& published) const {
  const std::string& name = entry.certificate->name;
  const auto file = certbot::lineage_of(settings().paths.certbot_dir(name) / "config", name).cert;
  const auto stamp = os::stamp_of(file);
  if (stamp.inode != 0 && stamp == entry.saved_stamp) return;
  entry.saved_stamp = stamp;
  entry.saved.reset();
  entry.saved_is_current = stamp.inode != 0 && entry.current && same_bytes(file, published);
  if (entry.saved_is_current || stamp.inode == 0) return;
  if (auto facts = store::read_facts_file(file)) entry.saved = *std::move(facts);
}

renewal::Decision Roster::decide(const Entry& entry, TimePoint now, bool forced, bool explain) const {
  renewal::Situation situation{*entry.certificate, {}, entry.saved, {}, {}, now, forced};
  if (entry.saved_is_current) situation.saved = entry.current->facts;
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
