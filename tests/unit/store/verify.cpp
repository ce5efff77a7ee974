#include <certherd/store/verify.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "pem_maker.hpp"

using namespace certherd;
using namespace certherd::test;

namespace {

Certificate wanted(std::vector<std::string> domains = {"*.example.com", "example.com"}) {
  Certificate certificate;
  certificate.name = "example.com";
  certificate.domains = std::move(domains);
  return certificate;
}

/// The Fault's text, "" when all is well.
std::string fault(const store::PemSet& pems, const Certificate& certificate = wanted(),
                  const CertificateFacts* current = nullptr) {
  const auto facts = store::verify(pems, certificate, now, current);
  return facts ? "" : facts.fault().text();
}

CertificateFacts published(std::chrono::hours age, const std::string& serial = "77",
                           const std::string& issuer = "Middle") {
  CertificateFacts facts;
  facts.domains = {"example.com", "*.example.com"};
  facts.serial = serial;
  facts.issuer = issuer;
  facts.key = "ecdsa secp256r1";
  facts.not_before = now - age;
  facts.not_after = now + std::chrono::days(30);
  return facts;
}

}  // namespace

TEST_SUITE("store/verify") {
  TEST_CASE("a good set") {
    const auto facts = store::verify(maker().set(), wanted(), now, nullptr);
    REQUIRE(facts);
    CHECK(facts->serial == "1f3a");
  }

  TEST_CASE("a certificate issued by a root directly has an empty chain") {
    const auto key = make_key();
    store::PemSet pems;
    pems.cert = pems.fullchain = certificate_pem(maker().wish(), key, maker().root);
    pems.privkey = key_pem(key);
    CHECK(fault(pems) == "");
  }

  TEST_CASE("an RSA certificate, and line ends of another system") {
    auto pems = maker().set(maker().wish(), make_key("RSA"));
    std::string crlf;
    for (const char c : pems.cert) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
    pems.cert = crlf;
    auto certificate = wanted();
    certificate.key_type = KeyType::rsa;
    CHECK(fault(pems, certificate) == "");
  }

  TEST_CASE("the key of another certificate") {
    auto pems = maker().set();
    pems.privkey = key_pem(make_key());
    CHECK(fault(pems) == "privkey.pem is not the private key of cert.pem");
    pems.privkey = key_pem(make_key("RSA"));
    CHECK(fault(pems) == "privkey.pem is not the private key of cert.pem");
  }

  TEST_CASE("a key that cannot be used") {
    auto pems = maker().set();
    const std::string key = pems.privkey;
    pems.privkey = "";
    CHECK(fault(pems) == "privkey.pem is empty");
    pems.privkey = key.substr(0, key.size() / 2);
    CHECK(fault(pems).starts_with("privkey.pem holds no whole private key ("));
    pems.privkey = key + key;
    CHECK(fault(pems) == "privkey.pem holds 2 PEM blocks instead of one private key");
    pems.privkey = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    CHECK(fault(pems) == "privkey.pem is encrypted with a passphrase");
  }

  TEST_CASE("empty and cut-off certificates") {
    auto pems = maker().set();
    const auto good = pems;
    pems.cert = "";
    CHECK(fault(pems) == "cert.pem holds no certificate");
    pems.cert = good.cert.substr(0, good.cert.size() / 2);
    CHECK(fault(pems) == "certificate 1 of cert.pem is cut off or damaged (bad end line)");
    pems.cert = good.cert + good.cert;
    CHECK(fault(pems) == "cert.pem holds 2 certificates instead of one");
    pems = good;
    pems.chain = good.chain.substr(0, good.chain.size() - 100);
    CHECK(fault(pems) == "certificate 2 of chain.pem is cut off or damaged (bad end line)");
    pems.chain = good.chain + "-----BEGIN CERTIF";
    CHECK(fault(pems) == "chain.pem holds something besides whole certificates");
  }

  TEST_CASE("fullchain is something else than certificate and chain") {
    auto pems = maker().set();
    pems.fullchain = pems.cert;
    CHECK(fault(pems) == "fullchain.pem (1 certificates) is not cert.pem followed by chain.pem (3 certificates)");
    pems.fullchain = pems.chain + pems.cert;
    CHECK(fault(pems) == "fullchain.pem (3 certificates) is not cert.pem followed by chain.pem (3 certificates)");
    pems.fullchain = "";
    CHECK(fault(pems) == "fullchain.pem (0 certificates) is not cert.pem followed by chain.pem (3 certificates)");
  }

  TEST_CASE("the chain is out of order") {
    auto pems = maker().set();
    pems.chain = maker().root_pem + maker().middle_pem;
    pems.fullchain = pems.cert + pems.chain;
    CHECK(fault(pems) ==
          "certificate 2 of fullchain.pem, 'CN = Root', did not issue the one before it, 'CN = leaf': "
          "subject issuer mismatch");
  }

  TEST_CASE("the chain of another CA that bears the same name") {
    const PemMaker foreign(now);
    auto pems = maker().set();
    pems.chain = foreign.middle_pem + foreign.root_pem;
    pems.fullchain = pems.cert + pems.chain;
    CHECK(fault(pems) ==
          "certificate 2 of fullchain.pem, 'CN = Middle', did not issue the one before it, "
          "'CN = leaf': the signature is not by its key");
  }

  TEST_CASE("an issuer that is no CA") {
    const auto key = make_key();
    const auto below = make_key();
    const Issuer leaf{"leaf", key};
    auto pems = maker().set(maker().wish(), key);
    pems.chain = pems.cert + pems.chain;
    pems.cert = certificate_pem(maker().wish(), below, leaf);
    pems.fullchain = pems.cert + pems.chain;
    pems.privkey = key_pem(below);
    CHECK(fault(pems) ==
          "certificate 2 of fullchain.pem, 'CN = leaf', did not issue the one before it, 'CN = leaf': "
          "it is not the certificate of a CA");
  }

  TEST_CASE("a domain is missing") {
    CHECK(fault(maker().set(), wanted({"example.com", "example.net", "*.example.net"})) ==
          "the certificate lacks example.net, *.example.net; it is for example.com, *.example.com");
    CHECK(fault(maker().set(maker().wish(""), make_key()), wanted({"example.com"})) ==
          "the certificate lacks example.com; it is for no domain");
  }

  TEST_CASE("a wildcard does not stand for a name below it") {
    CHECK(fault(maker().set(), wanted({"www.example.com"})) ==
          "the certificate lacks www.example.com; it is for example.com, *.example.com");
  }

  TEST_CASE("more names than wanted are let through") {
    CHECK(fault(maker().set(), wanted({"example.com"})) == "");
  }

  TEST_CASE("another kind of key than wanted") {
    auto certificate = wanted();
    certificate.key_type = KeyType::rsa;
    certificate.rsa_key_size = 4096;
    CHECK(fault(maker().set(), certificate) == "the certificate's key is ecdsa secp256r1, wanted is rsa 4096");
  }

  TEST_CASE("expired, this very moment") {
    auto wish = maker().wish();
    wish.not_after = now;
    CHECK(fault(maker().set(wish, make_key())) ==
          "the certificate expired at 2026-11-23T12:00:00.000Z; this host's clock says 2026-11-23T12:00:00.000Z; "
          "if the clock is right, have a new one issued");
  }

  TEST_CASE("not yet valid") {
    auto wish = maker().wish();
    wish.not_before = now + std::chrono::seconds(1);
    CHECK(fault(maker().set(wish, make_key())) ==
          "the certificate is not valid before 2026-11-23T12:00:01.000Z; this host's clock says "
          "2026-11-23T12:00:00.000Z; set this host's clock (timedatectl status)");
  }

  TEST_CASE("older than what is published") {
    const auto current = published(std::chrono::hours(0));
    CHECK(fault(maker().set(), wanted(), &current) ==
          "the certificate, serial 1f3a, is valid from 2026-11-23T11:00:00.000Z and so older than the published one, "
          "serial 77, from 2026-11-23T12:00:00.000Z");
  }

  TEST_CASE("the very certificate that is published") {
    const auto current = published(std::chrono::hours(1), "1f3a");
    CHECK(fault(maker().set(), wanted(), &current) ==
          "the certificate is the one that is published already, serial 1f3a");
  }

  TEST_CASE("newer than what is published, or as new with another serial") {
    const auto older = published(std::chrono::hours(2));
    CHECK(fault(maker().set(), wanted(), &older) == "");
    const auto same_age = published(std::chrono::hours(1));
    CHECK(fault(maker().set(), wanted(), &same_age) == "");
  }

  TEST_CASE("another issuer may backdate by up to a day more") {
    const auto facts = published(std::chrono::hours(24), "1", "Other");
    CHECK(store::replaces(facts, published(std::chrono::hours(0)), wanted()));
    CHECK_FALSE(store::replaces(facts, published(std::chrono::hours(-1)), wanted()));
  }

  TEST_CASE("two issuers may use one serial") {
    CHECK(store::replaces(published(std::chrono::hours(1), "1", "Other"), published(std::chrono::hours(1), "1"),
                          wanted()));
  }

  TEST_CASE("what no longer has the wanted names or key may be replaced by something older") {
    const auto candidate = published(std::chrono::hours(100), "1");
    auto current = published(std::chrono::hours(1));
    CHECK_FALSE(store::replaces(candidate, current, wanted()));
    current.domains = {"example.com"};
    CHECK(store::replaces(candidate, current, wanted()));
    current.domains = {"example.com", "*.example.com", "gone.example.com"};
    CHECK(store::replaces(candidate, current, wanted()));
    current = published(std::chrono::hours(1));
    current.key = "rsa 2048";
    CHECK(store::replaces(candidate, current, wanted()));
  }
}
