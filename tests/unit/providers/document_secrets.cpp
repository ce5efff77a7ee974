#include "../../../src/providers/examination.hpp"

#include <ostream>

#include <doctest/doctest.h>

using certherd::providers::secrets_in_document;
using Secrets = std::vector<std::string>;

TEST_SUITE("providers/document_secrets") {
  TEST_CASE("members of a JSON document whose names speak of a secret") {
    CHECK(secrets_in_document(R"({"type": "service_account", "private_key": "k1", "token_uri": "https://x",
                                  "inner": {"client_secret": "s1"}, "passwords": ["p1", {"any": "p2"}], "n": 7})") ==
          Secrets{"k1", "s1", "p1", "p2"});
  }

  TEST_CASE("lines of key and value whose keys speak of a secret") {
    CHECK(
        secrets_in_document("[spaceship]\napi_key = k1\napi_secret=s1\nregion = eu\nkey_file = /x\nempty_secret =\n") ==
        Secrets{"k1", "s1"});
  }

  TEST_CASE("a PEM key and a bare token are secrets as a whole") {
    CHECK(secrets_in_document("-----BEGIN KEY-----\nabc\n-----END KEY-----\n") ==
          Secrets{"-----BEGIN KEY-----\nabc\n-----END KEY-----"});
    CHECK(secrets_in_document("token\n") == Secrets{"token"});
    CHECK(secrets_in_document("\n").empty());
  }
}
