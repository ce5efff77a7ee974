#pragma once

#include <certherd/base/time.hpp>
#include <certherd/store/pem.hpp>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/moments.hpp"

namespace certherd::test {

using Key = std::shared_ptr<EVP_PKEY>;

inline Key make_key(const std::string& kind = "P-256") {
  EVP_PKEY* key = kind == "RSA" ? EVP_RSA_gen(2048) : EVP_EC_gen(kind.c_str());
  if (!key) throw std::runtime_error("no key: " + kind);
  return {key, EVP_PKEY_free};
}

template <class Write>
std::string pem_text(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  if (write(bio.get()) != 1) throw std::runtime_error("no PEM text");
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

inline std::string key_pem(const Key& key) {
  return pem_text(
      [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

struct Issuer {
  std::string name;
  Key key;
};

/// What to put into a certificate.
struct Wish {
  std::string name = "leaf";  ///< common name of the subject
  std::string san;            ///< "DNS:a,DNS:b"; empty: none
  long serial = 1;
  TimePoint not_before;
  TimePoint not_after;
  bool ca = false;
};

inline void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) throw std::runtime_error("no extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

inline std::string certificate_pem(const Wish& wish, const Key& key, const Issuer& issuer) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  const auto name_of = [](const std::string& common_name) {
    X509_NAME* name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()),
                               -1, -1, 0);
    return std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)>(name, X509_NAME_free);
  };
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), wish.serial);
  ASN1_TIME_set(X509_getm_notBefore(x), std::chrono::system_clock::to_time_t(wish.not_before));
  ASN1_TIME_set(X509_getm_notAfter(x), std::chrono::system_clock::to_time_t(wish.not_after));
  X509_set_subject_name(x, name_of(wish.name).get());
  X509_set_issuer_name(x, name_of(issuer.name).get());
  X509_set_pubkey(x, key.get());
  add_extension(x, NID_basic_constraints, wish.ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wish.san.empty()) add_extension(x, NID_subject_alt_name, wish.san);
  if (X509_sign(x, issuer.key.get(), EVP_sha256()) == 0) throw std::runtime_error("not signed");
  return pem_text([&](BIO* bio) { return PEM_write_bio_X509(bio, x); });
}

/// A root, an intermediate below it, and leaves below that.
class PemMaker {
public:
  explicit PemMaker(TimePoint now) : now_(now) {
    Wish root_wish{"Root", "", 1, now - std::chrono::days(1000), now + std::chrono::days(1000), true};
    root_pem = certificate_pem(root_wish, root.key, root);
    Wish middle_wish{"Middle", "", 2, now - std::chrono::days(500), now + std::chrono::days(500), true};
    middle_pem = certificate_pem(middle_wish, middle.key, root);
  }

  /// Valid from an hour ago for 90 days.
  Wish wish(const std::string& san = "DNS:example.com,DNS:*.example.com", long serial = 0x1f3a) const {
    return {"leaf", san, serial, now_ - std::chrono::hours(1), now_ + std::chrono::days(90), false};
  }

  store::PemSet set(const Wish& leaf, const Key& key) const {
    store::PemSet pems;
    pems.cert = certificate_pem(leaf, key, middle);
    pems.chain = middle_pem + root_pem;
    pems.fullchain = pems.cert + pems.chain;
    pems.privkey = key_pem(key);
    return pems;
  }
  store::PemSet set() const { return set(wish(), make_key()); }

  Issuer root{"Root", make_key()};
  Issuer middle{"Middle", make_key()};
  std::string root_pem;
  std::string middle_pem;

private:
  TimePoint now_;
};

inline const PemMaker& maker() {
  static const PemMaker one(now);
  return one;
}

}  // namespace certherd::test
