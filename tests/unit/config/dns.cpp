#include <ostream>

#include <doctest/doctest.h>

#include "loaded.hpp"

using namespace certherd;
using namespace certherd::test;
using Mode = PreflightMode;

TEST_SUITE("config/dns") {
  TEST_CASE("resolvers, by address and by URL") {
    const Loaded loaded(head + R"(dns:
  resolvers: ["192.0.2.53:53", "[2001:db8::53]:5353"]
  public_resolvers: ["https://dns.example/dns-query"]
  port: 8053
)");
    REQUIRE(loaded.faults() == Texts{});
    const DnsSettings& dns = loaded.config.settings.dns;
    CHECK(Texts(dns.resolvers) == Texts{"192.0.2.53:53", "[2001:db8::53]:5353"});
    CHECK(Texts(dns.public_resolvers) == Texts{"https://dns.example/dns-query"});
    CHECK(dns.port == 8053);
  }

  TEST_CASE("without a word the system's resolvers, port 53 and two public resolvers; an empty list asks none") {
    CHECK(Loaded(head).config.settings.dns.resolvers.empty());
    CHECK(Loaded(head).config.settings.dns.port == 53);
    CHECK(Texts(Loaded(head).config.settings.dns.public_resolvers) == Texts{"1.1.1.1:53", "8.8.8.8:53"});
    CHECK(Loaded(head + "dns: {public_resolvers: []}\n").config.settings.dns.public_resolvers.empty());
  }

  TEST_CASE("what is no resolver is told at its place") {
    for (const std::string wrong : {"192.0.2.53", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.53:x", "2001:db8::53",
                                    "ns1.example.com:53", "http://dns.example/", "https://", "https://a b"}) {
      CAPTURE(wrong);
      const Loaded loaded(head + "dns: {resolvers: ['" + wrong + "']}\n");
      REQUIRE(loaded.faults().size() == 1);
      CHECK(loaded.faults()[0].find("the resolver '" + wrong + "' is not an address and a port") != std::string::npos);
    }
  }

  TEST_CASE("preflight") {
    struct Row {
      const char* yaml;
      Mode mode;
    };
    const Row rows[] = {{"", Mode::block},
                        {"preflight: block\n", Mode::block},
                        {"preflight: warn\n", Mode::warn},
                        {"preflight: off\n", Mode::off}};
    for (const auto& row : rows) {
      CAPTURE(row.yaml);
      const Loaded loaded(head + row.yaml);
      CHECK(loaded.faults() == Texts{});
      CHECK(loaded.config.settings.preflight == row.mode);
    }
    CHECK(Loaded(head + "preflight: maybe\n").faults().size() == 1);
    CHECK_FALSE(Loaded(head).config.settings.preflight_asks_provider);
    const Loaded asking(head + "preflight: {mode: warn, provider_api: true}\n");
    CHECK(asking.faults() == Texts{});
    CHECK(asking.config.settings.preflight == Mode::warn);
    CHECK(asking.config.settings.preflight_asks_provider);
    CHECK(Loaded(head + "preflight: {provider_api: true}\n").config.settings.preflight == Mode::block);
    CHECK(Loaded(head + "preflight: {mode: maybe}\n").faults().size() == 1);
    CHECK(Loaded(head + "preflight: {provider: true}\n").faults().size() == 1);
    CHECK(Loaded(head + "preflight: [block]\n").faults().size() == 1);
  }

  TEST_CASE("propagation: whether the wait is ended, and how long after the last server") {
    const Settings unsaid = Loaded(head).config.settings;
    CHECK(unsaid.propagation.end_wait);
    CHECK(unsaid.propagation.margin == Milliseconds(500));
    const Loaded loaded(head + "propagation: {end_wait: false, margin: 5s}\n");
    REQUIRE(loaded.faults() == Texts{});
    CHECK_FALSE(loaded.config.settings.propagation.end_wait);
    CHECK(loaded.config.settings.propagation.margin == Seconds(5));
    CHECK(Loaded(head + "propagation: {margin: 5}\n").faults().size() == 1);
    CHECK(Loaded(head + "propagation: {end: false}\n").faults().size() == 1);
  }

  TEST_CASE("the names of a CA in CAA records") {
    const Loaded loaded(head + "cas: {lab: {server: https://ca.test/, caa_identities: [Pebble.TEST, b.test]}}\n");
    REQUIRE(loaded.faults() == Texts{});
    CHECK(Texts(loaded.config.settings.cas.at("lab").caa_identities) == Texts{"pebble.test", "b.test"});
    const Loaded wrong(head + "cas: {lab: {server: https://ca.test/, caa_identities: ['a b']}}\n");
    REQUIRE(wrong.faults().size() == 1);
    CHECK(wrong.faults()[0].find("'a b' of CA 'lab' is no issuer domain name") != std::string::npos);
  }
}
