#include <certherd/model/version.hpp>

#include <cstdio>

namespace certherd {

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  const std::string copy(text);
  const int read = std::sscanf(copy.c_str(), "%4d.%4d.%4d", &version.major, &version.minor, &version.patch);
  if (read < 2 || version.major < 0 || version.minor < 0 || version.patch < 0) return std::nullopt;
  return version;
}

std::string to_string(const Version& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch);
}

}  // namespace certherd
