#include <certherd/base/text.hpp>
#include <certherd/certbot/expected_txt.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/model/zones.hpp>
#include <certherd/os/file.hpp>

#include <openssl/evp.h>
#include <boost/json.hpp>

#include <array>

namespace certherd::certbot {
namespace {

namespace json = boost::json;

/// base64url(SHA-256(text)) without padding (RFC 4648 §5).
std::string digest(std::string_view text) {
  std::array<unsigned char, 33> bytes{};  // a multiple of three: without padding
  if (EVP_Digest(text.data(), text.size(), bytes.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw Failed({"OpenSSL offers no SHA-256", "", {}});
  std::array<unsigned char, 45> encoded{};
  EVP_EncodeBlock(encoded.data(), bytes.data(), static_cast<int>(bytes.size()));
  std::string result(reinterpret_cast<const char*>(encoded.data()), 43);
  for (char& c : result) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return result;
}

}  // namespace

Result<std::string> jwk_thumbprint(std::string_view jwk) {
  json::error_code error;
  const json::value value = json::parse({jwk.data(), jwk.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* type = object ? object->if_contains("kty") : nullptr;
  if (!type || !type->is_string()) return Fault{"the key of the ACME account is no JWK", {}, {}};
  // The members that make the key, in the order of their names (RFC 7638 §3.2).
  std::vector<std::string> names;
  if (type->as_string() == "RSA") names = {"e", "kty", "n"};
  if (type->as_string() == "EC") names = {"crv", "kty", "x", "y"};
  if (names.empty()) return Fault{"the key of the ACME account is of an unknown type", "RSA and EC are known", {}};
  std::string canonical = "{";
  for (const auto& name : names) {
    const auto* member = object->if_contains(name);
    if (!member || !member->is_string()) return Fault{"the key of the ACME account has no '" + name + "'", {}, {}};
    canonical += (canonical.size() > 1 ? "," : "") + json::serialize(name) + ":" + json::serialize(*member);
  }
  return digest(canonical + "}");
}

Result<std::string> account_thumbprint(const std::filesystem::path& accounts_dir, const std::string& server) {
  const auto accounts = account_directories(accounts_dir, server);
  if (accounts.size() != 1)
    return Fault{
        std::to_string(accounts.size()) + " ACME accounts in " + accounts_dir.string() + " instead of one", {}, {}};
  const auto jwk = os::read_file(accounts.front() / "private_key.json");
  if (!jwk) return jwk.fault();
  return jwk_thumbprint(*jwk);
}

std::map<std::string, std::vector<std::string>> expected_txt(const std::vector<Authorization>& authorizations,
                                                             const std::string& thumbprint) {
  std::map<std::string, std::vector<std::string>> expected;
  for (const auto& authorization : authorizations) {
    if (authorization.status != "pending" || authorization.token.empty()) continue;
    expected[challenge_name(to_lower(authorization.domain))].push_back(digest(authorization.token + "." + thumbprint));
  }
  return expected;
}

}  // namespace certherd::certbot
