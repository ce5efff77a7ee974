#include <certherd/base/text.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/os/file.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <system_error>

namespace certherd::certbot {
namespace fs = std::filesystem;
namespace {

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);  // follows links
}

/// What RenewableCert of certbot wants of it. Before it is first written it stands there empty, beside links and PEM
/// files that are whole already; a certbot that is killed then leaves it so.
bool is_renewal_file(const fs::path& path) {
  const auto text = os::read_file(path);
  if (!text) return false;
  const std::array<std::string_view, 4> keys{"cert", "privkey", "chain", "fullchain"};
  return std::all_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return contains("\n" + *text, "\n" + std::string(key) + " = "); });
}

/// A JSON object that was written to its end.
bool is_object_file(const fs::path& path) {
  const auto text = os::read_file(path);
  return text && trim(*text).ends_with('}');
}

bool stands(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

/// "<host[:port]>/<path>", as certbot.configuration.NamespaceConfig.server_path makes it of the URL.
fs::path server_path(const std::string& server) {
  const auto scheme_end = server.find("://");
  std::string path = scheme_end == std::string::npos ? server : server.substr(scheme_end + 3);
  path.erase(std::min(path.find_first_of("?#"), path.size()));
  return path;
}

fs::path unused_name(const fs::path& wanted) {
  for (int number = 1;; ++number) {
    fs::path name = wanted.string() + "." + std::to_string(number) + ".broken";
    if (!stands(name)) return name;
  }
}

}  // namespace

Result<void> prepare_directories(const fs::path& directory, const fs::path& accounts_dir) {
  for (const auto& made : {accounts_dir, directory, directory / "config", directory / "work", directory / "logs"})
    if (auto done = os::make_directory(made, 0700); !done) return done;
  const fs::path link = directory / "config" / "accounts";
  std::error_code error;
  if (fs::read_symlink(link, error) == accounts_dir) return {};
  if (fs::is_directory(fs::symlink_status(link, error)))
    return Fault{link.string() + " is a directory and should be a link to " + accounts_dir.string(),
                 "move the ACME accounts in it there and remove it",
                 {}};
  return os::replace_symlink(link, accounts_dir);
}

Lineage lineage_of(const fs::path& config_dir, const std::string& name) {
  const fs::path live = config_dir / "live" / name;
  return {live / "cert.pem", live / "chain.pem", live / "fullchain.pem", live / "privkey.pem",
          config_dir / "renewal" / (name + ".conf")};
}

bool lineage_exists(const fs::path& config_dir, const std::string& name) {
  const Lineage lineage = lineage_of(config_dir, name);
  const std::array files{lineage.cert, lineage.chain, lineage.fullchain, lineage.privkey};
  return std::all_of(files.begin(), files.end(), is_file) && is_renewal_file(lineage.renewal);
}

Result<void> clear_broken_lineage(const fs::path& config_dir, const std::string& name) {
  if (lineage_exists(config_dir, name)) return {};
  const std::array leftovers{config_dir / "renewal" / (name + ".conf"), config_dir / "live" / name,
                             config_dir / "archive" / name};
  for (const auto& path : leftovers) {
    if (!stands(path)) continue;
    std::error_code error;
    fs::rename(path, unused_name(path), error);
    if (error) return os::system_fault("cannot move away", path, error.value());
  }
  return {};
}

std::vector<fs::path> account_directories(const fs::path& accounts_dir, const std::string& server) {
  std::vector<fs::path> accounts;
  std::error_code error;
  for (auto entry = fs::directory_iterator(accounts_dir / server_path(server), error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto& account = entry->path();
    if (is_object_file(account / "regr.json") && is_object_file(account / "meta.json") &&
        is_object_file(account / "private_key.json"))
      accounts.push_back(account);
  }
  return accounts;
}

int accounts_registered(const fs::path& accounts_dir, const std::string& server) {
  return static_cast<int>(account_directories(accounts_dir, server).size());
}

std::optional<std::string> account_uri(const fs::path& accounts_dir, const std::string& server) {
  const auto accounts = account_directories(accounts_dir, server);
  if (accounts.size() != 1) return std::nullopt;
  const auto text = os::read_file(accounts.front() / "regr.json");
  boost::system::error_code error;
  const auto value = boost::json::parse(text ? *text : std::string(), error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* uri = object ? object->if_contains("uri") : nullptr;
  return uri && uri->is_string() ? std::optional(std::string(uri->as_string())) : std::nullopt;
}

}  // namespace certherd::certbot
