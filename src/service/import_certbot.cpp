#include <certherd/base/text.hpp>
#include <certherd/os/file.hpp>
#include <certherd/service/import_certbot.hpp>

#include <algorithm>

#include "import_translate.hpp"

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

/// renewal/*.conf by name. Fault: there is no such directory, or it cannot be read.
Result<std::vector<fs::path>> renewal_files(const fs::path& directory) {
  const fs::path renewal = directory / "renewal";
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(renewal, error);
  if (error == std::errc::no_such_file_or_directory)
    return Fault{directory.string() + " has no directory 'renewal', so it is no configuration directory of certbot",
                 "certbot's own is /etc/letsencrypt, or what its --config-dir says",
                 {}};
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".conf") files.push_back(entry->path());
  if (error) return os::system_fault("cannot read the directory", renewal, error.value());
  std::sort(files.begin(), files.end());
  return files;
}

/// Executable files of renewal-hooks/<kind>, as `certbot renew` would run them: in order of their names.
std::vector<fs::path> directory_hooks(const fs::path& directory, const std::string& kind) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(directory / "renewal-hooks" / kind, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code unreadable;
    const auto status = fs::status(entry->path(), unreadable);
    const bool executable = (status.permissions() & fs::perms(0111)) != fs::perms::none;
    if (fs::is_regular_file(status) && executable && !entry->path().string().ends_with('~'))
      found.push_back(fs::absolute(entry->path()).lexically_normal());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool same_names(const Certificate& a, const Certificate& b) {
  auto left = a.domains, right = b.domains;
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
}

bool same_key(const Certificate& a, const Certificate& b) {
  return a.key_type == b.key_type &&
         (a.key_type == KeyType::rsa ? a.rsa_key_size == b.rsa_key_size : a.elliptic_curve == b.elliptic_curve);
}

/// certbot leaves NAME and NAME-0001 behind when it was asked twice for the same names: ordering both for ever would
/// only use up the CA's limit for duplicates. Kept is the younger one. One with another kind of key is no duplicate.
void drop_duplicates(CertbotImport& import) {
  auto& all = import.certificates;
  for (auto older = all.begin(); older != all.end();) {
    const auto younger = std::find_if(all.begin(), all.end(), [&](const ImportedCertificate& other) {
      const bool newer = other.facts.not_before != older->facts.not_before
                             ? other.facts.not_before > older->facts.not_before
                             : other.wanted.name < older->wanted.name;
      return &other != &*older && same_names(other.wanted, older->wanted) && same_key(other.wanted, older->wanted) &&
             newer;
    });
    if (younger == all.end() || older->configured) {
      ++older;
      continue;
    }
    import.remarks.push_back({older->wanted.name,
                              "it has the same domains and kind of key as " + younger->wanted.name +
                                  ", which is younger; point what uses it there, or add it by hand",
                              true, older->wanted});
    older = all.erase(older);
  }
}

/// Accounts, CAs and hooks that only left out lineages would have used.
void drop_unused(CertbotImport& import) {
  std::erase_if(import.cas, [&](const auto& ca) {
    return std::none_of(import.certificates.begin(), import.certificates.end(),
                        [&](const auto& one) { return one.wanted.ca == ca.first; });
  });
  std::erase_if(import.accounts, [&](const auto& account) {
    return std::none_of(import.certificates.begin(), import.certificates.end(),
                        [&](const auto& one) { return one.wanted.account == account.first; });
  });
  std::erase_if(import.hooks, [&](const auto& hook) {
    return std::none_of(import.certificates.begin(), import.certificates.end(), [&](const auto& one) {
      return std::find(one.wanted.hooks.begin(), one.wanted.hooks.end(), hook.first) != one.wanted.hooks.end();
    });
  });
}

}  // namespace

bool CertbotImport::has_news() const {
  return std::any_of(certificates.begin(), certificates.end(), [](const auto& one) { return !one.configured; });
}

Result<CertbotImport> read_certbot_directory(const fs::path& directory, const Settings& settings,
                                             const PluginsMap& providers, TimePoint now) {
  const auto files = renewal_files(directory);
  if (!files) return files.fault();
  CertbotImport import;
  import.directory = fs::absolute(directory).lexically_normal();
  ImportTranslation translation(import, settings, providers, now);
  translation.add_directory_hooks(directory_hooks(directory, "deploy"));
  for (const auto& file : *files) translation.add(file);
  drop_duplicates(import);
  translation.finish_accounts();
  drop_unused(import);
  for (const char* kind : {"pre", "post"})
    for (const auto& hook : directory_hooks(directory, kind))
      import.remarks.push_back({"",
                                "certbot runs " + hook.string() + " " + (kind[1] == 'r' ? "before" : "after") +
                                    " each renewal; certherd has hooks for what was deployed or failed only",
                                false,
                                {}});
  return import;
}

}  // namespace certherd::service
