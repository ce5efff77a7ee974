#pragma once

// OpenSSL's objects as the store's own .cpp files use them.

#include <certherd/base/result.hpp>
#include <certherd/model/generation.hpp>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::store {

struct OpensslDeleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(AUTHORITY_KEYID* id) const { AUTHORITY_KEYID_free(id); }
};
template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslDeleter>;
using X509Ptr = OpensslPtr<X509>;
using KeyPtr = OpensslPtr<EVP_PKEY>;

/// Whether public keys become usable. Decoding one takes OpenSSL 3.0 ten times as long as the rest of its certificate
/// (0.12 ms against 0.01 ms).
enum class PublicKeys { decoded, left_encoded };

/// Every certificate of a PEM text, in its order; a text with anything half or foreign in it is a Fault. An empty text
/// gives an empty list. `name` stands in the Fault.
Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem, const std::string& name,
                                                PublicKeys keys = PublicKeys::decoded);

/// The one private key of a PEM text. Never asks for a passphrase.
Result<KeyPtr> parse_key(std::string_view pem, const std::string& name);

CertificateFacts facts_of(X509* certificate);

/// "CN=R3, O=Let's Encrypt": subject for messages.
std::string subject_of(X509* certificate);

}  // namespace certherd::store
