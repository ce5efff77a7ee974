#include <ostream>

#include <certherd/ca/directory.hpp>

#include <doctest/doctest.h>
#include <support/http_server.hpp>
#include <support/texts.hpp>

using namespace certherd;
using namespace certherd::test;

namespace {

const std::string body = R"({"newNonce": "https://ca.example/nonce", "newOrder": "https://ca.example/order",
  "renewalInfo": "https://ca.example/ari", "wmvjM7Fxs5k": {"odd": true},
  "meta": {"caaIdentities": ["LetsEncrypt.org", 7], "profiles": {"classic": "the default", "short": 1}}})";

Ca ca_at(const std::string& url) {
  Ca ca;
  ca.id = "lab";
  ca.server = url;
  return ca;
}

}  // namespace

TEST_SUITE("ca/directory") {
  TEST_CASE("resources, CAA identities and profiles") {
    const auto directory = ca::parse_directory(body);
    REQUIRE(directory);
    CHECK(directory->urls.size() == 3);
    CHECK(directory->url("renewalInfo") == "https://ca.example/ari");
    CHECK(Texts(directory->caa_identities) == Texts{"letsencrypt.org"});
    CHECK(directory->profiles == std::map<std::string, std::string>{{"classic", "the default"}, {"short", ""}});
  }

  TEST_CASE("a CA without renewal information and without meta") {
    const auto directory = ca::parse_directory(R"({"newOrder": "https://ca.example/order", "meta": 7})");
    REQUIRE(directory);
    CHECK_FALSE(directory->url("renewalInfo"));
    CHECK(directory->caa_identities.empty());
    CHECK(directory->profiles.empty());
  }

  TEST_CASE("answers that are no directory") {
    const auto told = [](const std::string& text) { return ca::parse_directory(text).fault().text(); };
    CHECK(told("<html>").starts_with("the ACME directory is not JSON ("));
    CHECK(told("") == told("   "));
    CHECK(told(std::string(10'000, '[')).starts_with("the ACME directory is not JSON ("));
    CHECK(told("[]") == "the ACME directory is not a JSON object");
    CHECK(told(R"({"newOrder": 7})") ==
          "the ACME directory names no newOrder resource; check that the CA's server is the URL of its ACME directory");
  }

  TEST_CASE("fetched with the CA's own trust anchors, and its clock with it") {
    Authority authority;
    std::string asked;
    HttpServer server(
        [&](HttpServer::Request& request, HttpServer::Response& response) {
          asked = request.getURI();
          response.set("Date", "Mon, 23 Nov 2026 12:00:00 GMT");
          response.sendBuffer(body.data(), body.size());
        },
        authority.issue("DNS:localhost"));
    Ca ca = ca_at("https://" + server.authority("localhost") + "/dir");
    CHECK(ca::fetch_directory(ca).fault().message.starts_with("the ACME directory of CA 'lab': https://localhost:"));
    ca.ca_bundle = authority.bundle();
    const auto directory = ca::fetch_directory(ca);
    REQUIRE(directory);
    CHECK(asked == "/dir");
    CHECK(directory->url("newOrder") == "https://ca.example/order");
    REQUIRE(directory->date);
    CHECK(format_utc(*directory->date) == "2026-11-23T12:00:00.000Z");
  }

  TEST_CASE("other statuses, bodies that are no directory, and far too long ones") {
    std::string text = R"({"type": "urn:ietf:params:acme:error:malformed", "detail": "Page not\u0007 found"})";
    auto status = Poco::Net::HTTPResponse::HTTP_NOT_FOUND;
    HttpServer server([&](HttpServer::Request&, HttpServer::Response& response) {
      response.setStatus(status);
      response.sendBuffer(text.data(), text.size());
    });
    const Ca ca = ca_at("http://" + server.authority() + "/dir");
    const auto told = [&] { return ca::fetch_directory(ca).fault().text(); };
    CHECK(told() == "the ACME directory of CA 'lab': the answer has HTTP status 404: Page not\\x07 found");
    text = "<html>";
    CHECK(told() == "the ACME directory of CA 'lab': the answer has HTTP status 404");
    status = Poco::Net::HTTPResponse::HTTP_OK;
    CHECK(told().starts_with("CA 'lab': the ACME directory is not JSON ("));
    text = "{\"newOrder\": \"" + std::string(300 * 1024, 'x') + "\"}";
    CHECK(told() == "the ACME directory of CA 'lab' is longer than 256 KiB");
  }
}
