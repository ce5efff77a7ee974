#include <certherd/base/text.hpp>
#include <certherd/store/verify.hpp>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "x509.hpp"

namespace certherd::store {
namespace {

/// The certificates of a set: leaf first, then the chain.
using Chain = std::vector<X509Ptr>;

std::string wanted_key(const Certificate& wanted) {
  return wanted.key_type == KeyType::rsa ? "rsa " + std::to_string(wanted.rsa_key_size)
                                         : "ecdsa " + wanted.elliptic_curve;
}

std::vector<std::string> missing_domains(const CertificateFacts& facts, const Certificate& wanted) {
  std::vector<std::string> missing;
  for (const auto& domain : wanted.domains)
    if (std::find(facts.domains.begin(), facts.domains.end(), domain) == facts.domains.end()) missing.push_back(domain);
  return missing;
}

Result<Chain> parse_chain(const PemSet& pems) {
  auto leaf = parse_certificates(pems.cert, "cert.pem");
  if (!leaf) return leaf.fault();
  if (leaf->size() != 1) {
    return Fault{"cert.pem holds " +
                     (leaf->empty() ? "no certificate" : std::to_string(leaf->size()) + " certificates instead of one"),
                 {},
                 {}};
  }
  auto above = parse_certificates(pems.chain, "chain.pem");
  if (!above) return above.fault();
  Chain chain = *std::move(leaf);
  for (auto& certificate : *above) chain.push_back(std::move(certificate));
  // As certbot writes it: what has been parsed need not be parsed again.
  if (pems.cert.ends_with('\n') && pems.fullchain == pems.cert + pems.chain) return chain;

  auto full = parse_certificates(pems.fullchain, "fullchain.pem");
  if (!full) return full.fault();
  const bool same = std::equal(chain.begin(), chain.end(), full->begin(), full->end(),
                               [](const X509Ptr& a, const X509Ptr& b) { return X509_cmp(a.get(), b.get()) == 0; });
  if (!same) {
    return Fault{"fullchain.pem (" + std::to_string(full->size()) + " certificates) is not cert.pem followed by " +
                     "chain.pem (" + std::to_string(chain.size()) + " certificates)",
                 {},
                 {}};
  }
  return chain;
}

Result<void> check_key(const PemSet& pems, X509* leaf) {
  const auto key = parse_key(pems.privkey, "privkey.pem");
  if (!key) return key.fault();
  const bool belongs = X509_check_private_key(leaf, key->get()) == 1;
  ERR_clear_error();
  if (!belongs) return Fault{"privkey.pem is not the private key of cert.pem", {}, {}};
  return {};
}

Result<void> check_order(const Chain& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    X509* certificate = chain[i].get();
    X509* issuer = chain[i + 1].get();
    const std::string place = "certificate " + std::to_string(i + 2) + " of fullchain.pem, " + subject_of(issuer) +
                              ", did not issue the one before it, " + subject_of(certificate);
    const int issued = X509_check_issued(issuer, certificate);
    if (issued != X509_V_OK) return Fault{place + ": " + X509_verify_cert_error_string(issued), {}, {}};
    // X509_check_issued asks for the key usage only where there is one.
    if (X509_check_ca(issuer) == 0) return Fault{place + ": it is not the certificate of a CA", {}, {}};
    const bool signed_by = X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    if (!signed_by) return Fault{place + ": the signature is not by its key", {}, {}};
  }
  return {};
}

Result<void> check_contents(const CertificateFacts& facts, const Certificate& wanted) {
  if (const auto missing = missing_domains(facts, wanted); !missing.empty()) {
    return Fault{"the certificate lacks " + join(missing, ", ") + "; it is for " +
                     (facts.domains.empty() ? "no domain" : join(facts.domains, ", ")),
                 {},
                 {}};
  }
  if (facts.key != wanted_key(wanted))
    return Fault{"the certificate's key is " + facts.key + ", wanted is " + wanted_key(wanted), {}, {}};
  return {};
}

Result<void> check_time(const CertificateFacts& facts, TimePoint now) {
  const std::string clock = "this host's clock says " + format_utc(now);
  if (facts.not_after <= now) {
    return Fault{"the certificate expired at " + format_utc(facts.not_after) + "; " + clock,
                 "if the clock is right, have a new one issued",
                 {}};
  }
  if (facts.not_before > now) {
    return Fault{"the certificate is not valid before " + format_utc(facts.not_before) + "; " + clock,
                 "set this host's clock (timedatectl status)",
                 {}};
  }
  return {};
}

Result<void> check_newer(const CertificateFacts& facts, const CertificateFacts& current, const Certificate& wanted) {
  if (replaces(facts, current, wanted)) return {};
  if (facts.serial == current.serial)
    return Fault{"the certificate is the one that is published already, serial " + current.serial, {}, {}};
  return Fault{"the certificate, serial " + facts.serial + ", is valid from " + format_utc(facts.not_before) +
                   " and so older than the published one, serial " + current.serial + ", from " +
                   format_utc(current.not_before),
               {},
               {}};
}

}  // namespace

bool replaces(const CertificateFacts& candidate, const CertificateFacts& current, const Certificate& wanted) {
  if (candidate.serial == current.serial && candidate.issuer == current.issuer) return false;
  if (!missing_domains(current, wanted).empty() || current.domains.size() != wanted.domains.size() ||
      current.key != wanted_key(wanted))
    return true;
  const auto backdating = candidate.issuer == current.issuer ? std::chrono::hours(0) : std::chrono::hours(24);
  return candidate.not_before + backdating >= current.not_before;
}

Result<CertificateFacts> verify(const PemSet& pems, const Certificate& wanted, TimePoint now,
                                const CertificateFacts* current) {
  const auto chain = parse_chain(pems);
  if (!chain) return chain.fault();
  CertificateFacts facts = facts_of(chain->front().get());
  // In the order in which a person would want to know.
  if (auto checked = check_key(pems, chain->front().get()); !checked) return checked.fault();
  if (auto checked = check_contents(facts, wanted); !checked) return checked.fault();
  if (auto checked = check_time(facts, now); !checked) return checked.fault();
  if (auto checked = check_order(*chain); !checked) return checked.fault();
  if (!current) return facts;
  if (auto checked = check_newer(facts, *current, wanted); !checked) return checked.fault();
  return facts;
}

}  // namespace certherd::store
