#pragma once

#include <certherd/base/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace certherd::certbot {

/// Makes config/, work/ and logs/ below `directory`, 0700, and config/accounts a link to `accounts_dir`, which all
/// certificates of one CA share. Fault: something else stands there.
Result<void> prepare_directories(const std::filesystem::path& directory, const std::filesystem::path& accounts_dir);

/// The four files of a certbot lineage: config_dir/live/NAME, symlinks into config_dir/archive/NAME.
struct Lineage {
  std::filesystem::path cert;
  std::filesystem::path chain;
  std::filesystem::path fullchain;
  std::filesystem::path privkey;
  std::filesystem::path renewal;  ///< config_dir/renewal/NAME.conf
};

Lineage lineage_of(const std::filesystem::path& config_dir, const std::string& name);

/// Whether certbot will take it for an existing lineage: its renewal file names the four, and all four links lead to
/// files. A half one makes certbot start a second lineage, NAME-0001.
bool lineage_exists(const std::filesystem::path& config_dir, const std::string& name);

/// Moves away what is left of a lineage that is not whole, so that certbot makes NAME again instead of NAME-0001: each
/// part gets a name ending in ".<n>.broken", since it may hold a private key somebody wants. Nothing happens when the
/// lineage is whole or not there at all.
Result<void> clear_broken_lineage(const std::filesystem::path& config_dir, const std::string& name);

/// The directories of the ACME accounts for a directory URL below `accounts_dir`, as far as they are whole. certbot
/// keeps them in <host[:port]>/<path>/<32 hex digits>/ with regr.json, meta.json and private_key.json (2.1 to 5.x).
std::vector<std::filesystem::path> account_directories(const std::filesystem::path& accounts_dir,
                                                       const std::string& server);

/// How many there are.
int accounts_registered(const std::filesystem::path& accounts_dir, const std::string& server);

/// The URL of the ACME account for a directory URL (RFC 8555 §7.3), as regr.json has it; nullopt: there is none, there
/// are several, or it cannot be read.
std::optional<std::string> account_uri(const std::filesystem::path& accounts_dir, const std::string& server);

}  // namespace certherd::certbot
