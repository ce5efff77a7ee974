#include <certherd/os/file.hpp>
#include <certherd/os/value_source.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace certherd::os {
namespace {

/// A secret that others may read is none, and one that others may write is theirs.
Result<void> check_access(const std::filesystem::path& path, bool secret) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return system_fault("cannot read", path, errno);
  // Opening a FIFO would block the whole service until somebody writes.
  if (!S_ISREG(status.st_mode)) return Fault{path.string() + " is not a regular file", {}, {}};
  const bool exposed = secret && (status.st_mode & S_IROTH) != 0;
  if (!exposed && (status.st_mode & S_IWOTH) == 0) return {};
  const char* what = exposed ? "readable" : "writable";
  return Fault{path.string() + " is " + what + " by every user", "chmod 600 " + path.string(), {}};
}

Result<std::string> from_file(const std::filesystem::path& path, bool secret) {
  if (auto allowed = check_access(path, secret); !allowed) return allowed.fault();
  auto content = read_file(path);
  if (content && content->ends_with('\n')) content->pop_back();
  return content;
}

Result<std::string> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    return Fault{"the environment variable " + name + " is not set", "set it where certherd is started", {}};
  }
  return std::string(value);
}

Result<std::string> from_systemd(const std::string& name, bool secret) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return Fault{
        "'" + name + "' cannot be the name of a systemd credential", "give the name alone, without a path", {}};
  }
  const std::string fix = "add LoadCredential=" + name + ":/path/to/file to the certherd unit";
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) {
    return Fault{"the systemd credential " + name + " is not there: CREDENTIALS_DIRECTORY is not set",
                 fix + "; outside of the unit use {file:}",
                 {}};
  }
  const auto path = std::filesystem::path(directory) / name;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) {
    return Fault{"the systemd credential " + name + " is not there", fix, {}};
  }
  return from_file(path, secret);
}

Result<std::string> read_unmarked(const ValueSource& source, bool secret) {
  switch (source.kind) {
    case ValueSource::Kind::file:
      return from_file(source.text, secret);
    case ValueSource::Kind::env:
      return from_environment(source.text);
    case ValueSource::Kind::systemd_credential:
      return from_systemd(source.text, secret);
    case ValueSource::Kind::literal:
      break;
  }
  return source.text;
}

std::string described(const ValueSource& source) {
  switch (source.kind) {
    case ValueSource::Kind::file:
      return "the file " + source.text;
    case ValueSource::Kind::env:
      return "the environment variable " + source.text;
    case ValueSource::Kind::systemd_credential:
      return "the systemd credential " + source.text;
    case ValueSource::Kind::literal:
      break;
  }
  return "the value";
}

}  // namespace

Result<std::string> read_value(const ValueSource& source, bool secret) {
  auto value = read_unmarked(source, secret);
  if (value && !value->empty()) return value;
  Fault fault = value ? Fault{described(source) + " is empty", {}, {}} : value.fault();
  if (!source.mark.file.empty()) fault.mark = source.mark;
  return fault;
}

}  // namespace certherd::os
