#pragma once

#include <certherd/providers/credentials.hpp>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>
#include <support/texts.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace certherd::test {

inline const SourceMark account_mark{"certherd.yaml", 5, 3};
inline const SourceMark key_mark{"certherd.yaml", 9, 7};

inline CredentialKey key(std::string name, bool required = true, bool secret = true) {
  CredentialKey key;
  key.name = std::move(name);
  key.required = required;
  key.secret = secret;
  return key;
}

inline Provider provider(std::vector<CredentialKey> keys, KeyAlternatives alternatives = {}) {
  Provider provider;
  provider.id = "cloudflare";
  provider.authenticator = "dns-cloudflare";
  provider.credentials_flag = "--dns-cloudflare-credentials";
  provider.keys = std::move(keys);
  provider.alternatives = std::move(alternatives);
  return provider;
}

inline const Provider one_token = provider({key("dns_cloudflare_api_token")});
inline const Provider choice =
    provider({key("dns_cloudflare_api_token", false), key("dns_cloudflare_email", false, false),
              key("dns_cloudflare_api_key", false)},
             {{"dns_cloudflare_api_token"}, {"dns_cloudflare_email", "dns_cloudflare_api_key"}});

inline Account account() {
  Account account;
  account.id = "main";
  account.provider = "cloudflare";
  account.mark = account_mark;
  return account;
}

inline Account with(std::map<std::string, std::string> literals) {
  Account result = account();
  for (auto& [name, text] : literals)
    result.credentials[name] = {ValueSource::Kind::literal, std::move(text), key_mark};
  return result;
}

inline Account from(ValueSource::Kind kind, std::string text, const std::string& name = "dns_cloudflare_api_token") {
  Account result = account();
  result.credentials[name] = {kind, std::move(text), key_mark};
  return result;
}

/// A private file in a directory of its own.
struct CredentialsFile {
  explicit CredentialsFile(const std::string& content, mode_t mode = 0600)
      : path(directory.write("c.ini", content, mode)) {}
  Account account() const {
    Account result = test::account();
    result.credentials_file = path;
    return result;
  }
  TempDir directory;
  std::filesystem::path path;
};

inline Texts texts_of(const std::vector<Fault>& faults, const std::filesystem::path& hidden = {}) {
  Texts texts;
  for (const auto& fault : faults) {
    REQUIRE(fault.mark);
    std::string text = (*fault.mark == key_mark ? "key: " : "account: ") + fault.text();
    for (std::size_t at = text.find(hidden.string()); !hidden.empty() && at != std::string::npos;
         at = text.find(hidden.string()))
      text.replace(at, hidden.string().size(), "FILE");
    texts.push_back(text);
  }
  return texts;
}

inline Texts faults_of(const Account& account, const Provider& provider = one_token,
                       const std::filesystem::path& hidden = {}) {
  return texts_of(providers::check_credentials(account, provider).faults, hidden);
}

}  // namespace certherd::test
