#pragma once

#include <certherd/providers/credentials.hpp>

namespace certherd::providers {

/// An account's credentials as far as they could be read, with everything that is wrong with them.
struct Examination {
  Credentials credentials;
  CredentialsCheck check;
};

/// Reads and judges an account's credentials; both check_credentials and load_credentials are views of it, so that what
/// was checked is what is used.
Examination examine(const Account& account, const Provider& provider);

/// Texts in a document (JSON or "key = value" lines) under names that speak of a secret: private_key, api_secret,
/// refresh_token, password; and the whole text when it is a PEM key or a single line.
std::vector<std::string> secrets_in_document(const std::string& text);

}  // namespace certherd::providers
