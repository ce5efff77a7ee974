#pragma once

#include <certherd/certbot/installed.hpp>

#include <filesystem>
#include <optional>
#include <vector>

namespace certherd::certbot {

/// What was found out, and the package directories it was read from.
struct CachedCertbot {
  InstalledCertbot certbot;  ///< without its Version
  std::vector<std::filesystem::path> directories;
};

/// The earlier answer, if the executable and every directory are still the same files with the same times. Anything
/// that cannot be read or understood is no answer.
std::optional<InstalledCertbot> read_cache(const std::filesystem::path& file, const std::filesystem::path& executable);

/// A cache that cannot be written costs time, nothing else: failures are ignored.
void write_cache(const std::filesystem::path& file, const CachedCertbot& found);

}  // namespace certherd::certbot
