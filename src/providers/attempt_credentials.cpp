#include <certherd/base/text.hpp>
#include <certherd/os/file.hpp>
#include <certherd/providers/configobj.hpp>
#include <certherd/providers/credentials.hpp>

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace certherd::providers {
namespace fs = std::filesystem;
namespace {

struct Document {
  std::string content;
  std::string extension;
};

Result<Document> document_of(const Credentials& credentials, const Provider& provider) {
  if (provider.credentials_kind == CredentialsKind::ini_file) {
    auto text = write_configobj(credentials.values);
    if (!text) return text.fault();
    return Document{std::move(text).value(), ".ini"};
  }
  if (credentials.values.size() != 1)
    return Fault{
        "provider " + provider.id + " takes its credentials as one whole document", "set 'credentials_file'", {}};
  const bool json = provider.credentials_kind == CredentialsKind::json_file;
  return Document{credentials.values.begin()->second, json ? ".json" : ".conf"};
}

Result<std::vector<std::pair<std::string, std::string>>> environment_of(const Credentials& credentials) {
  std::vector<std::pair<std::string, std::string>> environment;
  for (const auto& [name, value] : credentials.values) {
    if (value.find('\0') != std::string::npos)
      return Fault{"the value of '" + name + "' holds a NUL byte, which no environment variable can carry", "", {}};
    environment.emplace_back(name, value);
  }
  return environment;
}

}  // namespace

AttemptCredentials::AttemptCredentials(AttemptCredentials&& other) noexcept
    : path_(std::move(other.path_)),
      own_file_(std::exchange(other.own_file_, {})),
      environment_(std::move(other.environment_)),
      arguments_(std::move(other.arguments_)) {}

AttemptCredentials& AttemptCredentials::operator=(AttemptCredentials&& other) noexcept {
  if (this == &other) return *this;
  remove_own_file();
  path_ = std::move(other.path_);
  own_file_ = std::exchange(other.own_file_, {});
  environment_ = std::move(other.environment_);
  arguments_ = std::move(other.arguments_);
  return *this;
}

AttemptCredentials::~AttemptCredentials() {
  remove_own_file();
}

void AttemptCredentials::remove_own_file() noexcept {
  if (!own_file_.empty()) ::unlink(own_file_.c_str());
}

Result<AttemptCredentials> provide_credentials(const Credentials& credentials, const Provider& provider,
                                               const fs::path& credentials_dir, const std::string& run_id) {
  AttemptCredentials provided;
  if (provider.credentials_kind == CredentialsKind::none) return provided;
  if (provider.credentials_kind == CredentialsKind::environment) {
    auto environment = environment_of(credentials);
    if (!environment) return environment.fault();
    provided.environment_ = std::move(environment).value();
    return provided;
  }
  if (!credentials.file && credentials.values.empty() && provider.credentials_optional) return provided;

  if (credentials.file) {
    provided.path_ = *credentials.file;
  } else {
    auto document = document_of(credentials, provider);
    if (!document) return document.fault();
    if (auto made = os::make_directory(credentials_dir, 0700); !made) return made.fault();
    const fs::path file = credentials_dir / (run_id + document->extension);
    if (auto written = os::create_file(file, document->content, 0600); !written) return written.fault();
    provided.path_ = provided.own_file_ = file;
  }
  provided.arguments_ = {provider.credentials_flag, provided.path_.string()};
  return provided;
}

Result<int> sweep_credentials(const fs::path& credentials_dir) {
  int removed = 0;
  std::error_code error;
  for (fs::directory_iterator entry(credentials_dir, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory(error) && !entry->is_symlink(error)) continue;
    if (::unlink(entry->path().c_str()) != 0 && errno != ENOENT)
      return os::system_fault("cannot remove the credentials file left behind in", entry->path(), errno);
    ++removed;
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return os::system_fault("cannot read", credentials_dir, error.value());
  return removed;
}

}  // namespace certherd::providers
