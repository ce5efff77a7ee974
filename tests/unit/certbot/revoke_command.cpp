#include <certherd/certbot/command.hpp>

#include <algorithm>
#include <ostream>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::certbot;

namespace {

using Words = std::vector<std::string>;

RevokeInput input(const Ca& ca) {
  return {{"/usr/bin/certbot", "", {2, 1, 0}, "/s/certbot/example.com", {}, {}},
          ca,
          "/s/generations/example.com/3/cert.pem",
          "keycompromise",
          {}};
}

}  // namespace

TEST_SUITE("certbot/revoke_command") {
  TEST_CASE("the account signs, the file is named, and certbot deletes nothing") {
    Ca ca;
    ca.server = "https://acme.example/directory";
    const auto command = revoke_command(input(ca)).or_throw();
    CHECK(command.executable == "/usr/bin/certbot");
    CHECK(command.logs_dir == "/s/certbot/example.com/logs");
    CHECK(command.arguments ==
          Words{"revoke", "--non-interactive", "-v", "--cert-path", "/s/generations/example.com/3/cert.pem", "--reason",
                "keycompromise", "--no-delete-after-revoke", "--config-dir", "/s/certbot/example.com/config",
                "--work-dir", "/s/certbot/example.com/work", "--logs-dir", "/s/certbot/example.com/logs",
                "--max-log-backups", "0", "--no-directory-hooks", "--server", "https://acme.example/directory"});
  }

  TEST_CASE("the certificate's own key signs where it is given") {
    const Ca ca;
    auto by_key = input(ca);
    by_key.key = "/s/generations/example.com/3/privkey.pem";
    const auto words = revoke_command(by_key).or_throw().arguments;
    const auto option = std::find(words.begin(), words.end(), "--key-path");
    REQUIRE(option != words.end());
    CHECK(*(option + 1) == "/s/generations/example.com/3/privkey.pem");
  }

  TEST_CASE("every reason that certbot knows, and no other") {
    const Ca ca;
    CHECK(revocation_reasons().front() == "unspecified");
    for (const auto reason : revocation_reasons()) {
      auto wish = input(ca);
      wish.reason = reason;
      CHECK(revoke_command(wish).ok());
    }
    auto wish = input(ca);
    wish.reason = "keyCompromise";
    CHECK(revoke_command(wish).fault().text() ==
          "'keyCompromise' is no reason for a revocation; use one of unspecified, keycompromise, affiliationchanged, "
          "superseded, cessationofoperation");
  }
}
