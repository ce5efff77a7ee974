#include <ostream>

#include <doctest/doctest.h>
#include <certherd/certbot/expected_txt.hpp>

#include "../support/files.hpp"
#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"

using namespace certherd;

namespace {

// RFC 7638 §3.1.
const std::string rfc_n =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
    "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
    "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
    "nqDKgw";
const std::string rfc_thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

certbot::Authorization pending(const std::string& domain, const std::string& token) {
  certbot::Authorization authorization;
  authorization.domain = domain;
  authorization.status = "pending";
  authorization.token = token;
  return authorization;
}

}  // namespace

TEST_SUITE("certbot/expected_txt") {
  TEST_CASE("the thumbprint of RFC 7638, whatever else the key holds and in whatever order") {
    CHECK(certbot::jwk_thumbprint(R"({"kty":"RSA","n":")" + rfc_n + R"(","e":"AQAB"})").or_throw() == rfc_thumbprint);
    CHECK(
        certbot::jwk_thumbprint(R"({ "d": "secret", "e": "AQAB", "alg":"RS256", "n":")" + rfc_n + R"(", "kty":"RSA"})")
            .or_throw() == rfc_thumbprint);
  }

  TEST_CASE("of an elliptic curve") {
    // sha256 of {"crv":"P-256","kty":"EC","x":"x","y":"y"}, by openssl dgst.
    CHECK(certbot::jwk_thumbprint(R"({"y":"y","x":"x","kty":"EC","crv":"P-256","d":"d"})").or_throw() ==
          "lTYYwPiOVLnEGn_2tedaJs97fsHfTdR0jdsLJVF2RuA");
  }

  TEST_CASE("what is no such key") {
    for (const char* wrong : {"", "[]", "{}", "{\"kty\": 1}", "{\"kty\": \"oct\", \"k\": \"a\"}",
                              "{\"kty\": \"RSA\", \"n\": \"a\"}", "{\"kty\": \"EC\", \"crv\": 1}"})
      CHECK_FALSE(certbot::jwk_thumbprint(wrong));
  }

  TEST_CASE("values by challenge name: both of apex and wildcard, none for what is valid already") {
    auto valid = pending("valid.example.com", "t");
    valid.status = "valid";
    const auto expected = certbot::expected_txt({pending("Example.com", "token-1"), pending("example.com", "token-2"),
                                                 valid, pending("no-dns-01.example.com", "")},
                                                "thumb");
    REQUIRE(expected.size() == 1);
    CHECK(test::Texts(expected.at("_acme-challenge.example.com")) ==
          test::Texts{"3pN1lKSlQCOOihJcInCRARBPy_duMZigcLLtGlALoj8", "1Gkk6GeBh6uERiIblpOIUY1bn0pugRVzaD7SenHRXF0"});
  }

  TEST_CASE("the account's key as certbot keeps it; none when there are two") {
    test::TempDir dir;
    const auto make = [&](const std::string& id) {
      const auto account = dir.path() / "ca.test/dir" / id;
      std::filesystem::create_directories(account);
      test::write_file(account / "private_key.json", R"({"e":"AQAB","kty":"RSA","n":")" + rfc_n + "\"}");
      test::write_file(account / "regr.json", R"({"uri": "https://ca.test/acct/7"})");
      test::write_file(account / "meta.json", "{}");
    };
    CHECK(
        certbot::account_thumbprint(dir.path(), "https://ca.test/dir").fault().message.starts_with("0 ACME accounts"));
    make("one");
    CHECK(certbot::account_thumbprint(dir.path(), "https://ca.test/dir").or_throw() == rfc_thumbprint);
    make("two");
    CHECK_FALSE(certbot::account_thumbprint(dir.path(), "https://ca.test/dir"));
  }
}
