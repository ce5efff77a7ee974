#include "x509.hpp"

#include <certherd/base/text.hpp>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

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
  const std::string value = printable({reinterpret_cast<char*>(text), static_cast<std::size_t>(length)});
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

std::string key_of(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (!key) return "unknown";
  if (EVP_PKEY_is_a(key, "RSA")) return "rsa " + std::to_string(EVP_PKEY_get_bits(key));
  if (!EVP_PKEY_is_a(key, "EC")) return to_lower(EVP_PKEY_get0_type_name(key));
  std::array<char, 80> group{};
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1) return "ecdsa";
  // OpenSSL calls P-256 by its older name; certbot's option and RFC 8422 say secp256r1.
  const std::string curve(group.data());
  return "ecdsa " + (curve == "prime256v1" ? "secp256r1" : curve);
}

}  // namespace

Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem, const std::string& name) {
  std::vector<X509Ptr> certificates;
  const auto bio = reader(pem);
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr))
    certificates.emplace_back(certificate);
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
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  return facts;
}

std::string subject_of(X509* certificate) {
  return "'" + name_text(X509_get_subject_name(certificate)) + "'";
}

}  // namespace certherd::store
