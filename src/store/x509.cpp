#include "x509.hpp"

#include <certherd/base/text.hpp>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>

namespace certherd::store {
namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";

OpensslPtr<BIO> reader(std::string_view text) {
  OpensslPtr<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

int no_passphrase(char*, int, int, void*) {
  return 0;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason ? reason : "unknown error";
}

std::string name_text(const X509_NAME* name) {
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return printable({text, static_cast<std::size_t>(length)});
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return name_text(name);
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (length < 0) return name_text(name);
  std::string value = printable({reinterpret_cast<char*>(text), static_cast<std::size_t>(length)});
  OPENSSL_free(text);
  return value;
}

TimePoint time_of(const ASN1_TIME* time) {
  // "No expiry" is the year 9999 (RFC 5280 §4.1.2.5), which a TimePoint's nanoseconds cannot count: the last whole day
  // that they can stands for it.
  static const std::time_t last =
      std::chrono::floor<std::chrono::days>(TimePoint::max()).time_since_epoch().count() * std::time_t{86400};
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return {};
  return TimePoint(Seconds(std::clamp(timegm(&fields), -last, last)));
}

std::string serial_of(X509* certificate) {
  const OpensslPtr<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  char* digits = BN_bn2hex(number.get());
  if (!digits) return {};
  std::string serial = to_lower(digits);
  OPENSSL_free(digits);
  return serial;
}

/// RFC 4648 §5, without padding.
std::string base64url(const unsigned char* octets, int size) {
  std::string text(static_cast<std::size_t>(4 * ((size + 2) / 3) + 1), '\0');
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), octets, size)));
  text.resize(text.find_last_not_of('=') + 1);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

/// The content of the serial number's DER INTEGER, with the zero octet that keeps it positive.
std::string serial_octets(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
  if (size < 0) return {};
  const unsigned char* content = der;
  long length = 0;
  int tag = 0;
  int tag_class = 0;
  std::string octets;
  if ((ASN1_get_object(&content, &length, &tag, &tag_class, size) & 0x80) == 0)
    octets.assign(reinterpret_cast<const char*>(content), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return octets;
}

/// RFC 9773 §4.1. Empty: the certificate does not say by which key it was issued.
std::string ari_id_of(X509* certificate) {
  const OpensslPtr<AUTHORITY_KEYID> issuer(
      static_cast<AUTHORITY_KEYID*>(X509_get_ext_d2i(certificate, NID_authority_key_identifier, nullptr, nullptr)));
  const std::string serial = serial_octets(certificate);
  if (!issuer || !issuer->keyid || ASN1_STRING_length(issuer->keyid) == 0 || serial.empty()) return {};
  return base64url(ASN1_STRING_get0_data(issuer->keyid), ASN1_STRING_length(issuer->keyid)) + "." +
         base64url(reinterpret_cast<const unsigned char*>(serial.data()), static_cast<int>(serial.size()));
}

std::vector<std::string> domains_of(X509* certificate) {
  std::vector<std::string> domains;
  const OpensslPtr<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                                static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    domains.push_back(to_lower(printable(text)));
  }
  return domains;
}

/// OpenSSL's name of the curve of an EC key; empty for other keys. From the algorithm's parameters (RFC 5480 §2.1.1),
/// so that the key need not be decoded.
std::string curve_of(const X509_PUBKEY* key) {
  X509_ALGOR* algorithm = nullptr;
  const ASN1_OBJECT* kind = nullptr;
  int type = 0;
  const void* parameter = nullptr;
  if (X509_PUBKEY_get0_param(nullptr, nullptr, nullptr, &algorithm, key) != 1) return {};
  X509_ALGOR_get0(&kind, &type, &parameter, algorithm);
  if (OBJ_obj2nid(kind) != NID_X9_62_id_ecPublicKey || type != V_ASN1_OBJECT) return {};
  return OBJ_nid2sn(OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(parameter)));
}

KeyPtr decode_key(const X509_PUBKEY* encoded) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(encoded, &der);
  if (length < 0) return nullptr;
  const unsigned char* at = der;
  KeyPtr key(d2i_PUBKEY(nullptr, &at, length));
  OPENSSL_free(der);
  return key;
}

std::string key_of(X509* certificate) {
  const X509_PUBKEY* encoded = X509_get_X509_PUBKEY(certificate);
  // OpenSSL calls P-256 by its older name; certbot's option and RFC 8422 say secp256r1.
  if (const auto curve = curve_of(encoded); !curve.empty())
    return "ecdsa " + (curve == "prime256v1" ? "secp256r1" : curve);
  const KeyPtr key = decode_key(encoded);
  ERR_clear_error();
  if (!key) return "unknown";
  if (EVP_PKEY_is_a(key.get(), "RSA")) return "rsa " + std::to_string(EVP_PKEY_get_bits(key.get()));
  return to_lower(EVP_PKEY_get0_type_name(key.get()));
}

/// A library context without any provider, in which OpenSSL finds no decoder for keys and leaves them encoded.
OSSL_LIB_CTX* context_without_keys() {
  static OSSL_LIB_CTX* const context = [] {
    OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
    if (!made || !OSSL_PROVIDER_load(made, "null")) throw std::runtime_error("OpenSSL has no null provider");
    return made;
  }();
  return context;
}

X509Ptr next_certificate(BIO* bio, PublicKeys keys) {
  X509* empty = X509_new_ex(keys == PublicKeys::decoded ? nullptr : context_without_keys(), nullptr);
  X509* certificate = PEM_read_bio_X509(bio, &empty, no_passphrase, nullptr);
  // Without one it is ours still, unless decoding failed: then it is freed and null.
  if (!certificate) X509_free(empty);
  return X509Ptr(certificate);
}

}  // namespace

Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem, const std::string& name, PublicKeys keys) {
  std::vector<X509Ptr> certificates;
  const auto bio = reader(pem);
  ERR_clear_error();
  while (auto certificate = next_certificate(bio.get(), keys)) certificates.push_back(std::move(certificate));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (!at_end) {
    return Fault{"certificate " + std::to_string(certificates.size() + 1) + " of " + name + " is cut off or damaged (" +
                     reason + ")",
                 {},
                 {}};
  }
  // The reader skips what is not a certificate, a mark that is cut off among it.
  if (count(pem, "-----BEGIN") != certificates.size())
    return Fault{name + " holds something besides whole certificates", {}, {}};
  return certificates;
}

Result<KeyPtr> parse_key(std::string_view pem, const std::string& name) {
  if (trim(pem).empty()) return Fault{name + " is empty", {}, {}};
  const auto keys = count(pem, begin_mark) - count(pem, "-----BEGIN EC PARAMETERS-----");
  if (keys != 1)
    return Fault{name + " holds " + std::to_string(keys) + " PEM blocks instead of one private key", {}, {}};
  if (contains(pem, "ENCRYPTED")) return Fault{name + " is encrypted with a passphrase", {}, {}};
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_passphrase, nullptr));
  if (!key) return Fault{name + " holds no whole private key (" + openssl_reason() + ")", {}, {}};
  return key;
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts facts;
  facts.domains = domains_of(certificate);
  facts.serial = serial_of(certificate);
  facts.issuer = common_name(X509_get_issuer_name(certificate));
  facts.key = key_of(certificate);
  facts.ari_id = ari_id_of(certificate);
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  return facts;
}

std::string subject_of(X509* certificate) {
  return "'" + name_text(X509_get_subject_name(certificate)) + "'";
}

}  // namespace certherd::store
