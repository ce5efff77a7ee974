#include <support/tls.hpp>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace certherd::test {
namespace {

using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Cert = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<FILE, decltype(&std::fclose)>;

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

File open(const std::filesystem::path& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), &std::fclose);
  must(file != nullptr, path.c_str());
  return file;
}

void extend(X509* cert, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr, value.c_str());
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

Cert fresh(const std::string& name, EVP_PKEY* key, int serial, int days) {
  Cert cert(X509_new(), &X509_free);
  X509_set_version(cert.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), days < 0 ? (days - 1) * 86400L : -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), days * 86400L);
  X509_set_pubkey(cert.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return cert;
}

void save(const Cert& cert, const PrivateKey& key, const std::filesystem::path& cert_path,
          const std::filesystem::path& key_path) {
  must(PEM_write_X509(open(cert_path, "w").get(), cert.get()) == 1, "write certificate");
  must(PEM_write_PrivateKey(open(key_path, "w").get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "write key");
}

}  // namespace

Authority::Authority(const std::string& name) {
  const PrivateKey key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Cert cert = fresh(name, key.get(), serial_, 30);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(cert.get()));
  extend(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE");
  must(X509_sign(cert.get(), key.get(), EVP_sha256()) > 0, "sign");
  save(cert, key, bundle(), dir_.path() / "ca.key");
}

Authority::Issued Authority::issue(const std::string& names, int days) {
  const Cert ca(PEM_read_X509(open(bundle(), "r").get(), nullptr, nullptr, nullptr), &X509_free);
  const PrivateKey ca_key(PEM_read_PrivateKey(open(dir_.path() / "ca.key", "r").get(), nullptr, nullptr, nullptr),
                          &EVP_PKEY_free);
  const PrivateKey key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::string number = std::to_string(++serial_);
  const Cert cert = fresh("leaf " + number, key.get(), serial_, days);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(ca.get()));
  extend(cert.get(), ca.get(), NID_subject_alt_name, names);
  must(X509_sign(cert.get(), ca_key.get(), EVP_sha256()) > 0, "sign");
  Issued issued{dir_.path() / (number + ".pem"), dir_.path() / (number + ".key")};
  save(cert, key, issued.certificate, issued.key);
  return issued;
}

}  // namespace certherd::test
