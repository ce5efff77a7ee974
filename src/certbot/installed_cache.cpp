#include "installed_cache.hpp"

#include <certherd/os/file.hpp>

#include <boost/json.hpp>

#include <sys/stat.h>

namespace certherd::certbot {
namespace fs = std::filesystem;
namespace json = boost::json;
namespace {

constexpr int format = 1;

/// Tells a changed file from an unchanged one; null when it is not there.
json::value fingerprint(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return nullptr;
  const auto nanoseconds = static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
  return json::array{static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
                     static_cast<std::int64_t>(status.st_size), nanoseconds};
}

InstalledCertbot from_json(const json::object& cached) {
  InstalledCertbot certbot;
  certbot.executable = std::string(cached.at("executable").as_string());
  certbot.interpreter = std::string(cached.at("interpreter").as_string());
  certbot.version_text = std::string(cached.at("version").as_string());
  for (const auto& [name, from] : cached.at("plugins").as_object())
    certbot.authenticators.emplace(std::string(name), std::string(from.as_string()));
  for (const auto& text : cached.at("broken").as_array()) certbot.broken.emplace_back(std::string(text.as_string()));
  return certbot;
}

}  // namespace

std::optional<InstalledCertbot> read_cache(const fs::path& file, const fs::path& executable) {
  const auto text = os::read_file(file);
  if (!text) return std::nullopt;
  try {
    const json::value parsed = json::parse(*text);
    const auto& cached = parsed.as_object();
    if (cached.at("format").as_int64() != format || cached.at("executable").as_string() != executable.string())
      return std::nullopt;
    for (const auto& [path, print] : cached.at("fingerprints").as_object())
      if (fingerprint(std::string(path)) != print) return std::nullopt;
    return from_json(cached);
  } catch (const std::exception&) {  // another version's file, or a damaged one
    return std::nullopt;
  }
}

void write_cache(const fs::path& file, const CachedCertbot& found) {
  const auto& certbot = found.certbot;
  json::object prints{{certbot.executable.string(), fingerprint(certbot.executable)},
                      {certbot.interpreter.string(), fingerprint(certbot.interpreter)}};
  for (const auto& directory : found.directories) prints.emplace(directory.string(), fingerprint(directory));
  json::object plugins;
  for (const auto& [name, from] : certbot.authenticators) plugins.emplace(name, from);
  const json::object cached{{"format", format},
                            {"executable", certbot.executable.string()},
                            {"interpreter", certbot.interpreter.string()},
                            {"version", certbot.version_text},
                            {"plugins", plugins},
                            {"broken", json::array(certbot.broken.begin(), certbot.broken.end())},
                            {"fingerprints", prints}};
  (void)os::replace_file(file, json::serialize(cached), 0600);
}

}  // namespace certherd::certbot
