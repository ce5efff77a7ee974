#include <certherd/model/settings.hpp>

#include <algorithm>
#include <array>

namespace certherd {
namespace {

// The order is that of the enum.
constexpr std::array<std::string_view, 4> limit_names{"new_orders", "registered_domain", "exact_set",
                                                      "failed_validations"};

}  // namespace

std::string_view to_string(RateLimit::Kind kind) {
  return limit_names[static_cast<std::size_t>(kind)];
}

std::optional<RateLimit::Kind> parse_rate_limit(std::string_view text) {
  const auto found = std::find(limit_names.begin(), limit_names.end(), text);
  if (found == limit_names.end()) return std::nullopt;
  return static_cast<RateLimit::Kind>(found - limit_names.begin());
}

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
