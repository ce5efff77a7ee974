#pragma once

#include <certherd/base/result.hpp>
#include <certherd/certbot/timeline.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::certbot {

/// The thumbprint of a key (RFC 7638) from its JWK, private or public, RSA or elliptic curve, base64url. Fault: not a
/// JWK of these kinds.
Result<std::string> jwk_thumbprint(std::string_view jwk);

/// That of the ACME account for a directory URL, as certbot keeps its key (see accounts_registered). Fault: there is
/// not exactly one account, or its key cannot be read.
Result<std::string> account_thumbprint(const std::filesystem::path& accounts_dir, const std::string& server);

/// What the CA will look for in TXT records: base64url(SHA-256(token "." thumbprint)) (RFC 8555 §8.1, §8.4), by
/// challenge name. Of authorizations that are still pending: a valid one is not challenged again. Apex and wildcard
/// have the same name and each a value.
std::map<std::string, std::vector<std::string>> expected_txt(const std::vector<Authorization>& authorizations,
                                                             const std::string& thumbprint);

}  // namespace certherd::certbot
