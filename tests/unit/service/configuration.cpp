#include <ostream>

#include <doctest/doctest.h>
#include <certherd/service/configuration.hpp>

#include "../support/temp_dir.hpp"

using namespace certherd;

namespace {

const char* const provider =
    "title: Mine\nauthenticator: dns-mine\nconfidence: high\ncredentials:\n  kind: none\npropagation: "
    "{default_seconds: 5}\n";

std::string first(const std::vector<Fault>& faults) {
  return faults.empty() ? "none" : faults.front().text();
}

}  // namespace

TEST_SUITE("service/configuration") {
  TEST_CASE("an administrator's provider beside the configuration takes part") {
    test::TempDir dir;
    dir.write("plugins-map/mine.yaml", provider);
    const auto file =
        dir.write("c.yaml", "agree_tos: true\ncertificates:\n  - {domains: [example.com], dns_provider: mine}\n");
    const auto configuration = service::load_configuration(file);
    CHECK(first(configuration.faults) == "none");
    CHECK(configuration.providers.at("mine").authenticator == "dns-mine");
  }

  TEST_CASE("a faulty provider that nothing names is told only when the whole plugins-map is read") {
    test::TempDir dir;
    dir.write("plugins-map/mine.yaml", provider);
    dir.write("plugins-map/other.yaml", "autenticator: dns-other\n");
    const auto file =
        dir.write("c.yaml", "agree_tos: true\ncertificates:\n  - {domains: [example.com], dns_provider: mine}\n");
    CHECK(first(service::load_configuration(file).faults) == "none");
    const auto whole = service::load_configuration(file, service::MapExtent::whole);
    REQUIRE_FALSE(whole.valid());
    CHECK(whole.faults[0].mark->file.text().ends_with("other.yaml"));
  }

  TEST_CASE("a misspelt provider is compared with those that are not read") {
    test::TempDir dir;
    dir.write("plugins-map/mine.yaml", provider);
    const auto file =
        dir.write("c.yaml", "agree_tos: true\ncertificates:\n  - {domains: [example.com], dns_provider: mihe}\n");
    CHECK(first(service::load_configuration(file).faults) ==
          "'mihe' is not a provider of the plugins-map; did you mean 'mine'?");
  }

  TEST_CASE("an option that certherd owns is refused when the configuration is read") {
    test::TempDir dir;
    dir.write("plugins-map/mine.yaml", provider);
    const auto file = dir.write("c.yaml",
                                "agree_tos: true\ncertificates:\n  - {domains: [example.com], dns_provider: mine, "
                                "certbot_args: [--server=https://x.example/]}\n");
    const auto configuration = service::load_configuration(file);
    REQUIRE(configuration.faults.size() == 1);
    CHECK(configuration.faults[0].message.find("--server") != std::string::npos);
    CHECK(configuration.faults[0].mark->line == 3);
  }

  TEST_CASE("credentials are looked at only when asked for") {
    test::TempDir dir;
    dir.write("plugins-map/mine.yaml",
              "title: Mine\nauthenticator: dns-mine\nconfidence: high\npropagation: {default_seconds: "
              "5}\ncredentials:\n  kind: ini\n  keys:\n"
              "    dns_mine_token: {required: true, secret: true}\n");
    const auto file =
        dir.write("c.yaml", "agree_tos: true\naccounts:\n  a: {provider: mine, credentials_file: nope.ini}\n");
    auto configuration = service::load_configuration(file);
    CHECK(first(configuration.faults) == "none");
    service::check_surroundings(configuration);
    REQUIRE(configuration.faults.size() == 1);
    CHECK(configuration.faults[0].message.find("nope.ini") != std::string::npos);
  }
}
