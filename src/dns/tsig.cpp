#include "tsig.hpp"

#include <certherd/base/text.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <optional>
#include <utility>

namespace certherd::dns {
namespace {

constexpr unsigned type_tsig = 250;
constexpr unsigned class_any = 255;
constexpr unsigned fudge = 300;  // seconds by which the clocks may differ; what RFC 8945 §10 recommends
constexpr std::size_t additional_count_at = 10;

std::string big_endian(std::uint64_t value, int bytes) {
  std::string wire;
  for (int i = bytes - 1; i >= 0; --i) wire += static_cast<char>(value >> (8 * i));
  return wire;
}

/// The digest and the name on the wire (RFC 8945 §6); nullptr: none that is known.
std::pair<const EVP_MD*, std::string> algorithm_of(const std::string& name) {
  using namespace std::string_literals;
  if (name == "hmac-md5") return {EVP_md5(), "\x08hmac-md5\x07sig-alg\x03reg\x03int\0"s};
  const std::array<std::pair<const char*, const EVP_MD*>, 5> others{{{"hmac-sha1", EVP_sha1()},
                                                                     {"hmac-sha224", EVP_sha224()},
                                                                     {"hmac-sha256", EVP_sha256()},
                                                                     {"hmac-sha384", EVP_sha384()},
                                                                     {"hmac-sha512", EVP_sha512()}}};
  for (const auto& [other, digest] : others)
    if (name == other) return {digest, static_cast<char>(name.size()) + name + '\0'};
  return {nullptr, {}};
}

std::optional<std::string> from_base64(const std::string& text) {
  std::string secret(text.size() / 4 * 3 + 3, '\0');
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(secret.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // It counts what '=' stands for.
  const std::size_t padding = text.size() - text.find_last_not_of('=') - 1;
  if (padding > 2) return std::nullopt;
  secret.resize(static_cast<std::size_t>(size) - padding);
  return secret;
}

}  // namespace

Result<std::string> sign(std::string message, const Signing& signing) {
  const auto [digest, algorithm] = algorithm_of(signing.algorithm);
  if (!digest)
    return Fault{"the TSIG algorithm '" + printable(signing.algorithm) + "' is not known", "use HMAC-SHA512", {}};
  const auto secret = from_base64(std::string(trim(signing.secret)));
  if (!secret) return Fault{"the secret of the TSIG key is no base64", "see that it is whole", {}};
  const std::string time =
      big_endian(static_cast<std::uint64_t>(signing.when.time_since_epoch().count()), 6) + big_endian(fudge, 2);
  const std::string error_and_other = big_endian(0, 2) + big_endian(0, 2);
  const std::string signed_text =
      message + signing.key_name + big_endian(class_any, 2) + big_endian(0, 4) + algorithm + time + error_and_other;
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  if (!HMAC(digest, secret->data(), static_cast<int>(secret->size()),
            reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), mac.data(), &size))
    return Fault{"this host's OpenSSL makes no " + signing.algorithm, "use HMAC-SHA512", {}};
  const std::string data = algorithm + time + big_endian(size, 2) +
                           std::string(reinterpret_cast<const char*>(mac.data()), size) + message.substr(0, 2) +
                           error_and_other;
  message += signing.key_name + big_endian(type_tsig, 2) + big_endian(class_any, 2) + big_endian(0, 4) +
             big_endian(data.size(), 2) + data;
  ++message[additional_count_at + 1];
  return message;
}

}  // namespace certherd::dns
