#include "value_source.hpp"

#include <certherd/os/file.hpp>

#include <cstdlib>

namespace certherd::providers {
namespace {

Result<std::string> content_of(const std::filesystem::path& file) {
  auto content = os::read_file(file);
  if (content && content->ends_with('\n')) content.value().pop_back();
  return content;
}

Result<std::string> systemd_credential(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
    return Fault{"'" + name + "' cannot be the name of a systemd credential", "", {}};
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (!directory || !*directory)
    return Fault{"systemd has passed no credentials, so '" + name + "' cannot be read",
                 "add LoadCredential=" + name + ":/path/of/the/secret to the unit; outside of the unit use {file:}",
                 {}};
  auto value = content_of(std::filesystem::path(directory) / name);
  if (!value)
    return Fault{value.fault().message, "add LoadCredential=" + name + ":/path/of/the/secret to the unit", {}};
  return value;
}

}  // namespace

Result<std::string> resolve_value(const ValueSource& source) {
  switch (source.kind) {
    case ValueSource::Kind::literal:
      return source.text;
    case ValueSource::Kind::file:
      return content_of(source.text);
    case ValueSource::Kind::systemd_credential:
      return systemd_credential(source.text);
    case ValueSource::Kind::env:
      break;
  }
  if (const char* value = std::getenv(source.text.c_str())) return std::string(value);
  return Fault{"the environment variable " + source.text + " is not set", "set it where certherd is started", {}};
}

}  // namespace certherd::providers
