#include <ostream>

#include <doctest/doctest.h>

#include "loaded.hpp"

using namespace certherd;
using namespace certherd::test;

TEST_SUITE("config/certificates") {
  TEST_CASE("two certificates of one name, and domains listed twice") {
    const Loaded loaded(with_account + R"(certificates:
  - {domains: [example.com, EXAMPLE.com.], dns_provider: cloudflare}
  - {domains: ["*.example.com"], dns_provider: cloudflare}
)");
    const auto faults = loaded.faults();
    REQUIRE(faults.size() == 2);
    CHECK(faults[0] == "5:29 the domain 'example.com' stands twice in this certificate; remove one of them");
    CHECK(faults[1].find("6:15 a second certificate has the name 'example.com'; the first is at ") == 0);
  }

  TEST_CASE("a wait that is learned, and one that nobody could be told of") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, zones: [example.com], credentials_file: a.ini, propagation_seconds: auto}
certificates:
  - {name: a, domains: [a.example.com], dns_provider: cloudflare}
  - {name: b, domains: [b.example.com], dns_provider: cloudflare, propagation_seconds: auto}
  - {name: c, domains: [c.example.com], dns_provider: cloudflare, propagation_seconds: 30}
)");
    CHECK(loaded.faults() == Texts{});
    const Settings& settings = loaded.config.settings;
    CHECK(settings.accounts.at("a").propagation_auto);
    CHECK_FALSE(settings.accounts.at("a").propagation);
    CHECK_FALSE(settings.find("a")->propagation_auto);
    CHECK(settings.find("b")->propagation_auto);
    CHECK_FALSE(settings.find("c")->propagation_auto);
    CHECK(settings.find("c")->propagation == Seconds(30));
    const Loaded wrong(head +
                       "certificates:\n  - {domains: [x.test], dns_provider: standalone, "
                       "propagation_seconds: auto}\n");
    CHECK(wrong.faults() == Texts{"3:72 the plugin of provider 'standalone' cannot be told how long to wait; leave out "
                                  "'propagation_seconds': it would have no effect"});
    CHECK(Loaded(with_account + "certificates:\n  - {domains: [a.example.com], dns_provider: cloudflare, "
                                "propagation_seconds: automatic}\n")
              .faults()
              .size() == 1);
  }

  TEST_CASE("a name that would leave its directory is refused") {
    const Loaded loaded(with_account +
                        "certificates:\n  - {name: ../etc, domains: [example.com], dns_provider: cloudflare}\n");
    REQUIRE(loaded.faults().size() == 1);
    CHECK(loaded.faults()[0].find("'../etc' cannot be the name of a certificate") != std::string::npos);
  }

  TEST_CASE("domains that no zone of the named account covers, and the account that would") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, zones: [example.com], credentials_file: a.ini}
  b: {provider: cloudflare, zones: [example.org], credentials_file: b.ini}
certificates:
  - {domains: [www.example.org], dns_provider: cloudflare, account: a}
  - {domains: [www.example.net], dns_provider: cloudflare}
  - {domains: [notexample.com], dns_provider: cloudflare, account: a}
)");
    CHECK(loaded.faults() == Texts{"6:69 no zone of account 'a' covers 'www.example.org'; account 'b' would cover it",
                                   "7:15 no account of provider 'cloudflare' has zones that cover every domain of this "
                                   "certificate; add the zone "
                                   "to the account that may edit it",
                                   "8:68 no zone of account 'a' covers 'notexample.com'; add the zone to the account, "
                                   "if its credentials may edit "
                                   "it"});
  }

  TEST_CASE("two accounts that fit equally well must be told apart") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, zones: [example.com], credentials_file: a.ini}
  b: {provider: cloudflare, zones: [example.com], credentials_file: b.ini}
certificates:
  - {domains: [example.com], dns_provider: cloudflare}
)");
    CHECK(loaded.faults() ==
          Texts{"6:15 accounts 'a' and 'b' cover the domains of this certificate equally well; name one with "
                "'account:'"});
  }

  TEST_CASE("a certificate without one usable domain is not told that several accounts would fit") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, zones: [example.com], credentials_file: a.ini}
  b: {provider: cloudflare, zones: [example.org], credentials_file: b.ini}
certificates:
  - {domains: [], dns_provider: cloudflare}
)");
    CHECK(loaded.faults() == Texts{"6:15 'domains' of this certificate is empty"});
  }

  TEST_CASE("an account of another provider") {
    const Loaded loaded(with_account +
                        "certificates:\n  - {domains: [example.com], dns_provider: rfc2136, account: main}\n");
    CHECK(loaded.faults() ==
          Texts{"5:62 account 'main' is one of provider 'cloudflare', and this certificate uses 'rfc2136'"});
  }

  TEST_CASE("providers that need no account") {
    const Loaded loaded(head +
                        "certificates:\n  - {domains: [example.com], dns_provider: route53}\n"
                        "  - {domains: [b.example.com], dns_provider: standalone}\n");
    CHECK(loaded.faults() == Texts{});
    CHECK(loaded.config.settings.certificates[0].account.empty());
  }

  TEST_CASE("a provider that holds one TXT record cannot do apex and wildcard in one order") {
    const Loaded loaded(head +
                        "accounts:\n  d: {provider: duckdns, credentials_file: d.ini}\ncertificates:\n"
                        "  - {domains: [a.duckdns.org, '*.a.duckdns.org'], dns_provider: duckdns}\n");
    CHECK(loaded.faults() ==
          Texts{"5:15 provider 'duckdns' holds one TXT record for a name, and "
                "'_acme-challenge.a.duckdns.org' would need two; split the apex and its wildcard into two "
                "certificates"});
  }

  TEST_CASE("a CA that wants external account binding and has none") {
    const Loaded loaded(with_account +
                        "certificates:\n  - {domains: [example.com], dns_provider: cloudflare, ca: zerossl}\n");
    CHECK(loaded.faults() ==
          Texts{"5:60 CA 'zerossl' registers accounts only with external account binding; add cas: {zerossl: "
                "{eab: {kid: ..., hmac_key: {file: ...}}}}"});
  }

  TEST_CASE("keys that do not go together") {
    const Loaded loaded(with_account + R"(certificates:
  - {domains: [a.example.com], dns_provider: cloudflare, key_type: rsa, elliptic_curve: secp384r1}
  - {domains: [b.example.com], dns_provider: cloudflare, rsa_key_size: 4096}
  - {domains: [c.example.com], dns_provider: cloudflare, key_type: rsa, rsa_key_size: 1024}
)");
    const auto faults = loaded.faults();
    REQUIRE(faults.size() == 3);
    CHECK(faults[0].find("has an RSA key and an elliptic_curve") != std::string::npos);
    CHECK(faults[1].find("has an ECDSA key and an rsa_key_size") != std::string::npos);
    CHECK(faults[2].find("is 1024; it can be 2048 to 8192") != std::string::npos);
  }

  TEST_CASE("warnings: a wildcard's own names, and files for a group that cannot reach them") {
    const Loaded loaded(with_account + R"(files: {group: ssl-cert}
certificates:
  - {domains: ["*.example.com", www.example.com], dns_provider: cloudflare}
)");
    CHECK(loaded.faults() == Texts{});
    const auto warnings = loaded.warnings();
    REQUIRE(warnings.size() == 2);
    CHECK(warnings[0].find("gives *") == std::string::npos);
    CHECK(warnings[0].find("cannot enter /var/lib/certherd, which is closed to others") != std::string::npos);
    CHECK(warnings[1].find("'www.example.com' of this certificate is covered by '*.example.com' already") !=
          std::string::npos);
  }
}
