#include <certherd/store/pem.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include <support/temp_dir.hpp>
#include <support/texts.hpp>
#include "pem_maker.hpp"

using namespace certherd;
using certherd::test::now;
using certherd::test::PemMaker;
using certherd::test::Texts;

TEST_SUITE("store/pem") {
  TEST_CASE("the facts of a certificate") {
    const PemMaker maker(now);
    const auto facts = store::read_facts(maker.set().fullchain);
    REQUIRE(facts);
    CHECK(Texts(facts->domains) == Texts{"example.com", "*.example.com"});
    CHECK(facts->serial == "1f3a");
    CHECK(facts->issuer == "Middle");
    CHECK(facts->key == "ecdsa secp256r1");
    CHECK(format_utc(facts->not_before) == "2026-11-23T11:00:00.000Z");
    CHECK(format_utc(facts->not_after) == "2027-02-21T12:00:00.000Z");
  }

  TEST_CASE("names come in lower case, other kinds of names are left out") {
    const PemMaker maker(now);
    const auto pems = maker.set(maker.wish("DNS:WWW.Example.COM,IP:192.0.2.1,email:a@example.com"), test::make_key());
    CHECK(Texts(store::read_facts(pems.cert)->domains) == Texts{"www.example.com"});
  }

  TEST_CASE("keys by their kind and size") {
    const PemMaker maker(now);
    const auto key_of = [&](const std::string& kind) {
      return store::read_facts(maker.set(maker.wish(), test::make_key(kind)).cert)->key;
    };
    CHECK(key_of("RSA") == "rsa 2048");
    CHECK(key_of("P-384") == "ecdsa secp384r1");
    CHECK(key_of("P-521") == "ecdsa secp521r1");
    CHECK(key_of("secp256k1") == "ecdsa secp256k1");
  }

  TEST_CASE("a certificate without names or expiry") {
    const PemMaker maker(now);
    auto wish = maker.wish("");
    wish.not_after = TimePoint(Seconds(9'000'000'000));  // 2255
    const auto facts = store::read_facts(maker.set(wish, test::make_key()).cert);
    CHECK(facts->domains.empty());
    CHECK(facts->not_after == wish.not_after);
  }

  TEST_CASE("text without a certificate") {
    CHECK(store::read_facts("").fault().text() == "the PEM text holds no certificate");
    CHECK(store::read_facts("hello\n", "a.pem").fault().text() == "a.pem holds no certificate");
  }

  TEST_CASE("a certificate that is cut off") {
    const auto cert = PemMaker(now).set().cert;
    const auto facts = store::read_facts(cert.substr(0, cert.size() / 2), "cert.pem");
    REQUIRE_FALSE(facts);
    CHECK(facts.fault().text() == "certificate 1 of cert.pem is cut off or damaged (bad end line)");
  }

  TEST_CASE("a certificate whose inside is not one") {
    const auto facts = store::read_facts("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cert.pem");
    REQUIRE_FALSE(facts);
    CHECK(facts.fault().text().starts_with("certificate 1 of cert.pem is cut off or damaged ("));
  }

  TEST_CASE("a key is no certificate") {
    CHECK(store::read_facts(PemMaker(now).set().privkey, "cert.pem").fault().text() ==
          "cert.pem holds something besides whole certificates");
  }

  TEST_CASE("the four files of a directory") {
    const test::TempDir dir;
    for (const auto* name : {"cert", "chain", "fullchain", "privkey"})
      dir.write(std::string(name) + ".pem", std::string(name) + " text\n");
    const auto pems = store::read_pem_set(dir.path());
    REQUIRE(pems);
    CHECK(pems->cert == "cert text\n");
    CHECK(pems->chain == "chain text\n");
    CHECK(pems->fullchain == "fullchain text\n");
    CHECK(pems->privkey == "privkey text\n");
  }

  TEST_CASE("a file of the four is missing") {
    const test::TempDir dir;
    for (const auto* name : {"cert", "chain", "fullchain"}) dir.write(std::string(name) + ".pem", "text");
    CHECK(store::read_pem_set(dir.path()).fault().text() ==
          "cannot read " + (dir.path() / "privkey.pem").string() + ": No such file or directory");
  }
}
