#include <ostream>

#include "preflight/samples.hpp"

#include <doctest/doctest.h>
#include <certherd/preflight/examine.hpp>

#include <functional>

using namespace certherd;
using preflight::Question;
using sample::lines;

namespace {

const std::string system_sees = "warning: split horizon: the system's resolver 127.0.0.53:53 sees ";
const std::string public_sees = "warning: split horizon: public resolver 1.1.1.1:53 sees ";
const std::string servers_see =
    " for _acme-challenge.www.example.com; the zone's own servers see zone example.com, SOA 42 of ns1.example.com, "
    "served by ns1.example.com, ns2.example.com";
const std::string so_will_a_ca = ", and so will a CA outside\n";
const std::string so_may_a_ca = "; the CA may see what the public resolver sees\n";
const std::string system_agrees = "info: the same as the zone's own servers: the system's resolver 127.0.0.53:53\n";
const std::string public_agrees = "info: the same as the zone's own servers: public resolver 1.1.1.1:53\n";

}  // namespace

TEST_SUITE("preflight/horizon") {
  TEST_CASE("each difference") {
    struct Row {
      const char* what;
      std::function<void(ViewFacts& system, ViewFacts& open, ZoneFacts& zone)> spoil;
      std::string expected;
    };
    const Row rows[] = {
        {"another zone and its servers",
         [](ViewFacts& system, ViewFacts&, ZoneFacts&) {
           system.zone = "www.example.com";
           system.primary = "dc1.corp.example.com";
           system.ns = {"dc1.corp.example.com"};
           system.addresses = {"10.1.2.3"};
         },
         system_sees +
             "zone www.example.com, an SOA record of dc1.corp.example.com, the servers dc1.corp.example.com, "
             "servers at private addresses 10.1.2.3" +
             servers_see + so_will_a_ca + public_agrees},
        {"another primary", [](ViewFacts& system, ViewFacts&, ZoneFacts&) { system.primary = "dc1"; },
         system_sees + "an SOA record of dc1" + servers_see + so_will_a_ca + public_agrees},
        {"other servers", [](ViewFacts& system, ViewFacts&, ZoneFacts&) { system.ns = {"dc1"}; },
         system_sees + "the servers dc1" + servers_see + so_will_a_ca + public_agrees},
        {"no zone", [](ViewFacts& system, ViewFacts&, ZoneFacts&) { system.zone_found = false; },
         system_sees + "no zone at all" + servers_see + so_will_a_ca + public_agrees},
        {"private addresses alone",
         [](ViewFacts& system, ViewFacts&, ZoneFacts&) {
           system.addresses = {"192.0.2.1", "192.168.0.1", "fd00::1"};
         },
         "warning: split horizon: for the system's resolver 127.0.0.53:53 the servers of "
         "_acme-challenge.www.example.com have private addresses (192.168.0.1, fd00::1); a CA outside cannot reach "
         "them\n" +
             public_agrees},
        {"a public resolver without the zone", [](ViewFacts&, ViewFacts& open, ZoneFacts&) { open.zone_found = false; },
         public_sees + "no zone at all" + servers_see + so_may_a_ca + system_agrees},
        {"a public resolver with other servers", [](ViewFacts&, ViewFacts& open, ZoneFacts&) { open.ns = {"old"}; },
         public_sees + "the servers old" + servers_see + so_may_a_ca + system_agrees},
        {"an older serial is propagation",
         [](ViewFacts& system, ViewFacts& open, ZoneFacts&) { system.serial = open.serial = 7; },
         "info: the same as the zone's own servers: the system's resolver 127.0.0.53:53, public resolver "
         "1.1.1.1:53\n"},
        {"a view that failed", [](ViewFacts&, ViewFacts& open, ZoneFacts&) { open.error = "no answer within 1.5 s"; },
         "info: public resolver 1.1.1.1:53 gave no answer: no answer within 1.5 s\n" + system_agrees},
        {"the NS set of one of the servers is no other horizon",
         [](ViewFacts& system, ViewFacts&, ZoneFacts& zone) {
           zone.servers[1].ns = {"ns2.example.com"};
           system.ns = {"ns2.example.com"};
         },
         "info: the same as the zone's own servers: the system's resolver 127.0.0.53:53, public resolver "
         "1.1.1.1:53\n"},
        {"no primary and no servers told",
         [](ViewFacts& system, ViewFacts&, ZoneFacts&) {
           system.primary.clear();
           system.ns.clear();
         },
         "info: the same as the zone's own servers: the system's resolver 127.0.0.53:53, public resolver "
         "1.1.1.1:53\n"},
        {"old TXT values in a cache",
         [](ViewFacts&, ViewFacts& open, ZoneFacts& zone) {
           zone.servers[0].txt = {"new"};
           open.txt = {"new", "old", "older"};
         },
         "info: public resolver 1.1.1.1:53 still shows 2 TXT values at _acme-challenge.www.example.com that none of "
         "the "
         "zone's servers holds\n"
         "info: the same as the zone's own servers: the system's resolver 127.0.0.53:53, public resolver "
         "1.1.1.1:53\n"},
        {"servers that do not answer prove nothing",
         [](ViewFacts& system, ViewFacts&, ZoneFacts& zone) {
           for (auto& server : zone.servers) server.state = ServerFacts::State::unreachable;
           system.zone = "corp";
         },
         ""},
        {"but private addresses are told",
         [](ViewFacts& system, ViewFacts&, ZoneFacts& zone) {
           for (auto& server : zone.servers) server.state = ServerFacts::State::unreachable;
           system.addresses = {"127.0.0.1"};
         },
         "warning: split horizon: for the system's resolver 127.0.0.53:53 the servers of "
         "_acme-challenge.www.example.com have private addresses (127.0.0.1); a CA outside cannot reach them\n"},
        {"a lab on loopback, and a resolver that sees more",
         [](ViewFacts& system, ViewFacts& open, ZoneFacts& zone) {
           for (auto& server : zone.servers) server.address = "127.0.0.1:5353";
           system.addresses = {"127.0.0.1", "10.0.0.1"};
           open.error = "refused";
         },
         "warning: split horizon: for the system's resolver 127.0.0.53:53 the servers of "
         "_acme-challenge.www.example.com have private addresses (10.0.0.1); a CA outside cannot reach them\n"
         "info: public resolver 1.1.1.1:53 gave no answer: refused\n"},
        {"a lab on loopback",
         [](ViewFacts& system, ViewFacts& open, ZoneFacts& zone) {
           zone.servers[0].address = "127.0.0.1:5353";
           zone.servers[1].address = "[::1]:5353";
           system.addresses = open.addresses = {"127.0.0.1", "::1"};
         },
         "info: the same as the zone's own servers: the system's resolver 127.0.0.53:53, public resolver "
         "1.1.1.1:53\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.what);
      auto question = sample::question();
      auto& facts = question.facts;
      row.spoil(facts.views[0], facts.views[1], *facts.zone);
      CHECK(lines(question, Finding::Topic::horizon) == row.expected);
    }
  }

  TEST_CASE("no zone of our own to compare with") {
    auto question = sample::question();
    question.facts.zone.reset();
    CHECK(lines(question, Finding::Topic::horizon).empty());
  }
}
