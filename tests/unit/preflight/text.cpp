#include <ostream>

#include "preflight/samples.hpp"

#include <doctest/doctest.h>
#include <certherd/preflight/text.hpp>

using namespace certherd;
using namespace certherd::preflight;

TEST_SUITE("preflight/text") {
  TEST_CASE("a chain, hop by hop") {
    auto facts = sample::delegated().facts;
    CHECK(chain_text(facts) ==
          "_acme-challenge.www.example.com (zone example.com) -> CNAME x.acme.net (zone acme.net)");
    facts.final_name = "elsewhere.acme.net";
    CHECK(chain_text(facts) == "_acme-challenge.www.example.com (zone example.com) -> CNAME x.acme.net");
    facts.chain.push_back({"x.acme.net", "", "y.other.org", "acme.net", false});
    facts.chain.push_back({"y.other.org", "other.org", "z.org", "", true});
    facts.final_name = "z.org";
    facts.zone.reset();
    CHECK(chain_text(facts) ==
          "_acme-challenge.www.example.com (zone example.com) -> CNAME x.acme.net -> DNAME at acme.net: y.other.org "
          "(zone other.org) -> wildcard CNAME z.org");
    CHECK(chain_text(sample::question().facts) == "_acme-challenge.www.example.com (zone example.com)");
  }

  TEST_CASE("a zone") {
    auto zone = sample::zone();
    CHECK(zone_text(zone) == "zone example.com, SOA 42 of ns1.example.com, served by ns1.example.com, ns2.example.com");
    zone.servers[0].state = ServerFacts::State::lame;
    zone.servers[1].serial = 43;
    CHECK(zone_text(zone) == "zone example.com, SOA 43 of ns1.example.com, served by ns1.example.com, ns2.example.com");
    CHECK(zone_text({"", {}, {}}) == "zone the root, served by no server");
  }

  TEST_CASE("lists") {
    const std::vector<std::string> parts{"a", "b", "c"};
    CHECK(list_text(parts) == "a, b, c");
    CHECK(list_text(parts, 2) == "a, b and 1 more");
    CHECK(list_text({}).empty());
  }

  TEST_CASE("addresses that the public does not reach") {
    for (const char* address : {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                                "127.0.0.1", "127.0.0.53", "169.254.1.1", "100.64.0.1", "100.127.255.255", "::1",
                                "fc00::1", "fd12:3456::1", "FD00::1", "fe80::1", "febf::1", "::ffff:10.0.0.1"}) {
      CAPTURE(address);
      CHECK(is_private_address(address));
    }
    for (const char* address : {"192.0.2.1",
                                "9.255.255.255",
                                "11.0.0.0",
                                "172.15.255.255",
                                "172.32.0.0",
                                "192.167.1.1",
                                "192.169.1.1",
                                "126.0.0.1",
                                "128.0.0.1",
                                "169.253.1.1",
                                "100.63.255.255",
                                "100.128.0.0",
                                "2001:db8::1",
                                "::2",
                                "::",
                                "fbff::1",
                                "fe00::1",
                                "fe7f::1",
                                "fec0::1",
                                "::ffff:192.0.2.1",
                                "",
                                "10.0.0",
                                "10.0.0.0.1",
                                "10.0.0.256",
                                "ten",
                                "fd",
                                "fd00"}) {
      CAPTURE(address);
      CHECK_FALSE(is_private_address(address));
    }
  }
}
