#include <certherd/os/file.hpp>
#include <certherd/os/log.hpp>
#include <certherd/service/configuration.hpp>
#include <certherd/service/trust_desk.hpp>
#include <certherd/store/anchors.hpp>

#include <algorithm>
#include <utility>

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

// Debian's certifi and urllib3 load this one, whatever they are told to load besides.
const fs::path system_anchors = "/etc/ssl/certs/ca-certificates.crt";

fs::path trust_dir(const Paths& paths) {
  return paths.state_dir / "trust";
}

Result<fs::path> trust_bundle(const Paths& paths, const Ca& ca) {
  if (!ca.ca_bundle) return fs::path();
  fs::path combined = trust_dir(paths) / (ca.id + ".pem");
  const auto own = read_ca_bundle(ca);
  if (!own) return own.fault();
  std::string anchors = *own + "\n";
  if (os::holds(combined, anchors, system_anchors)) return combined;
  if (const auto system = os::read_file(system_anchors)) anchors += *system;
  os::make_directory(combined.parent_path(), 0700).or_throw();
  os::replace_file(combined, anchors, 0600).or_throw();
  return combined;
}

/// Without a directory certbot loads the bundle itself.
void add_directory(const Paths& paths, const fs::path& bundle, certbot::Trust& trust) {
  auto made = os::make_directory(trust_dir(paths), 0700);
  auto directory = made ? store::anchor_directory(trust_dir(paths), bundle) : Result<fs::path>(made.fault());
  if (directory)
    trust.directories.emplace_back(bundle, std::move(*directory));
  else
    os::log(os::LogLevel::debug, "certbot is to load " + bundle.string() + " whole: " + directory.fault().text());
}

}  // namespace

TrustDesk::Sources TrustDesk::sources_of(const Ca& ca) {
  return {os::stamp_of(system_anchors), ca.ca_bundle ? os::stamp_of(*ca.ca_bundle) : os::FileStamp{}};
}

bool TrustDesk::Known::holds(const Sources& now) const {
  return sources == now && written == os::stamp_of(trust.bundle) &&
         std::all_of(trust.directories.begin(), trust.directories.end(),
                     [](const auto& known) { return os::stamp_of(known.second).inode != 0; });
}

Result<certbot::Trust> TrustDesk::of(const Paths& paths, const Ca& ca) {
  const Sources sources = sources_of(ca);
  if (const auto found = known_.find(ca.id); found != known_.end() && found->second.holds(sources))
    return found->second.trust;
  auto bundle = trust_bundle(paths, ca);
  if (!bundle) return bundle.fault();
  certbot::Trust trust{std::move(*bundle), {}};
  add_directory(paths, system_anchors, trust);
  if (!trust.bundle.empty()) add_directory(paths, trust.bundle, trust);
  if (!std::exchange(swept_, true)) store::sweep_anchor_directories(trust_dir(paths));
  known_[ca.id] = {sources, os::stamp_of(trust.bundle), trust};
  return trust;
}

}  // namespace certherd::service
