#include <certherd/model/settings.hpp>

#include <algorithm>

namespace certherd {

std::filesystem::path Paths::generations_dir() const {
  // A store somewhere else (another file system, a directory exported to a container) must hold what its links point
  // to, so there the Generations lie inside it, hidden from a plain listing.
  if (store_dir == state_dir / "certificates") return state_dir / "generations";
  return store_dir / ".generations";
}

const Certificate* Settings::find(const std::string& name) const {
  const auto found = std::find_if(certificates.begin(), certificates.end(),
                                  [&](const Certificate& certificate) { return certificate.name == name; });
  return found == certificates.end() ? nullptr : &*found;
}

}  // namespace certherd
