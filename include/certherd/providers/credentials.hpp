#pragma once

#include <certherd/base/redaction.hpp>
#include <certherd/base/result.hpp>
#include <certherd/model/settings.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace certherd::providers {

/// An account's credentials, read and resolved.
struct Credentials {
  std::optional<std::filesystem::path> file;  ///< the administrator's own file, passed to certbot as it is
  std::map<std::string, std::string> values;  ///< what that file says, or what the account's `credentials` resolve to
  std::vector<std::string> secrets;           ///< every value that must never be shown, those of second files included
};

/// What is wrong with an account's credentials. Marks point into certherd's configuration, never into a credentials
/// file: whoever shows a mark shows the line, and that line would hold a secret.
struct CredentialsCheck {
  std::vector<Fault> faults;    ///< certbot would fail, or a secret lies open: no order may be made
  std::vector<Fault> warnings;  ///< worth a look
};

/// Everything that can be known without asking the provider; reads the files and sources, changes nothing.
CredentialsCheck check_credentials(const Account& account, const Provider& provider);

/// The credentials as they are now, so that a rotated secret is picked up. With faults of check_credentials there is no
/// value: the Fault is the first of them and says how many more there are.
Result<Credentials> load_credentials(const Account& account, const Provider& provider);

/// Makes the redactor hide every secret of the credentials, also in the forms of HTTP basic authentication.
void add_secrets(Redactor& redactor, const Credentials& credentials);

/// What one Attempt gets. A file written for it goes away with the object.
class AttemptCredentials {
public:
  AttemptCredentials() = default;
  AttemptCredentials(AttemptCredentials&& other) noexcept;
  AttemptCredentials& operator=(AttemptCredentials&& other) noexcept;
  ~AttemptCredentials();

  /// The file for the credentials flag; empty when the plugin takes none.
  const std::filesystem::path& path() const { return path_; }
  const std::vector<std::pair<std::string, std::string>>& environment() const { return environment_; }
  /// {"--dns-cloudflare-credentials", path}, or nothing.
  const std::vector<std::string>& arguments() const { return arguments_; }

private:
  friend Result<AttemptCredentials> provide_credentials(const Credentials&, const Provider&,
                                                        const std::filesystem::path&, const std::string&);
  void remove_own_file() noexcept;

  std::filesystem::path path_;
  std::filesystem::path own_file_;  ///< empty: nothing was written
  std::vector<std::pair<std::string, std::string>> environment_;
  std::vector<std::string> arguments_;
};

/// Turns credentials into what certbot is given. An administrator's own file is neither copied nor removed; everything
/// else is written to `credentials_dir` (made 0700 when missing) as "<run_id>.ini" or "<run_id>.json", 0600 from its
/// first byte.
Result<AttemptCredentials> provide_credentials(const Credentials& credentials, const Provider& provider,
                                               const std::filesystem::path& credentials_dir, const std::string& run_id);

/// Removes what an earlier life left behind and says how many files that were. Only while the state lock is held: it
/// would take the files of a living Attempt too.
Result<int> sweep_credentials(const std::filesystem::path& credentials_dir);

}  // namespace certherd::providers
