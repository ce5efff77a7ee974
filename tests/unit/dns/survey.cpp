#include <ostream>

#include <doctest/doctest.h>
#include <certherd/dns/survey.hpp>

#include <boost/asio/io_context.hpp>

#include <thread>

#include "../support/coroutine.hpp"
#include "../support/texts.hpp"
#include "name_server.hpp"

using namespace certherd;
using dns::RecordType;
using test::Asked;
using test::NameServer;
using test::Texts;
using End = DomainFacts::ChainEnd;
using State = ServerFacts::State;

namespace {

const std::string soa_data = "ns1.example.com. admin.example.com. 42 1 2 3 4";

/// Two zones that a resolver knows whole.
std::vector<std::string> two_zones() {
  return {"com SOA a.gtld. admin.gtld. 1 1 1 1 1", "example.com SOA " + soa_data,
          "example.com NS ns1.example.com.",       "example.com NS ns2.example.com.",
          "ns1.example.com A 127.0.0.1",           "ns2.example.com A 127.0.0.2",
          "www.example.com A 192.0.2.80",          "acme.net SOA ns1.example.com. admin.acme.net. 7 1 2 3 4",
          "acme.net NS ns1.example.com.",          "x.acme.net TXT \"left over\""};
}

std::vector<std::string> operator+(std::vector<std::string> lines, const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

/// A resolver on one port, and the two servers of the zones on another, 127.0.0.1 and 127.0.0.2.
struct World {
  boost::asio::io_context io{1};
  boost::asio::thread_pool pool{1};
  std::unique_ptr<NameServer> resolver, primary, secondary;
  std::vector<std::string> lines;
  std::vector<std::string> second_lines;
  dns::SurveyOptions options;

  explicit World(std::vector<std::string> zones) : World(zones, zones) {}
  World(std::vector<std::string> zones, std::vector<std::string> of_secondary)
      : lines(std::move(zones)), second_lines(std::move(of_secondary)) {
    resolver = server("127.0.0.1", 0, lines, true);
    // The second one needs the same port, which another may have taken.
    while (!secondary) {
      primary = server("127.0.0.1", 0, lines, false);
      try {
        secondary = server("127.0.0.2", primary->port(), second_lines, false);
      } catch (const boost::system::system_error&) {
        primary.reset();
      }
    }
    options.port = primary->port();
  }
  ~World() {
    resolver.reset();
    primary.reset();
    secondary.reset();
    io.restart();
    io.run();
  }

  std::unique_ptr<NameServer> server(const std::string& address, unsigned short port, std::vector<std::string> zone,
                                     bool resolves) {
    const auto zones = std::make_shared<test::Zones>(std::move(zone));
    return std::make_unique<NameServer>(io.get_executor(), address, port, [zones, resolves](const Asked& asked) {
      return std::vector{zones->answer(asked.question, resolves).wire(asked)};
    });
  }

  std::vector<DomainFacts> survey(std::vector<std::string> domains) {
    dns::Client client(io.get_executor(), pool, {{resolver->endpoint()}, Milliseconds(300), 1});
    return test::run_among_others(io, dns::survey(client, std::move(domains), options));
  }
  DomainFacts survey(const std::string& domain) { return survey(std::vector{domain}).at(0); }
};

Texts hops(const DomainFacts& facts) {
  Texts texts;
  for (const auto& hop : facts.chain)
    texts.push_back(hop.name + " (" + hop.zone + ") > " + hop.target + (hop.dname.empty() ? "" : " by " + hop.dname) +
                    (hop.wildcard ? " by a wildcard" : ""));
  return texts;
}

Texts server_states(const DomainFacts& facts) {
  Texts texts;
  if (!facts.zone) return {"no zone"};
  for (const auto& server : facts.zone->servers)
    texts.push_back(server.name + " " + std::string(to_string(server.state)) +
                    (server.error.empty() ? "" : ": " + server.error) +
                    (server.serial ? " " + std::to_string(*server.serial) : ""));
  return texts;
}

}  // namespace

TEST_SUITE("dns/survey") {
  TEST_CASE("a server for which no time is left is not called unreachable") {
    const std::vector<std::string> zone{"com SOA a.gtld. admin.gtld. 1 1 1 1 1", "example.com SOA " + soa_data,
                                        "example.com NS ns1.example.com.", "ns1.example.com A 127.0.0.1"};
    World world(zone);
    const auto deadline = std::chrono::steady_clock::now() + Seconds(2);
    // The server's addresses are the last that has to be known before it is asked itself; one comes when it is too
    // late.
    const test::Zones zones(zone);
    NameServer slow(world.io.get_executor(), "127.0.0.1", 0, [&](const Asked& asked) {
      if (asked.question.type == RecordType::aaaa) std::this_thread::sleep_until(deadline);
      return std::vector{zones.answer(asked.question, true).wire(asked)};
    });
    dns::Client client(world.io.get_executor(), world.pool, {{slow.endpoint()}, Seconds(10), 1, deadline});
    const auto facts = test::run_among_others(world.io, dns::survey(client, {"example.com"}, world.options)).at(0);
    CHECK(server_states(facts) == Texts{"ns1.example.com not_asked: SOA: no time left to ask"});
  }

  TEST_CASE("a name without aliases: its zone, its servers and what they hold") {
    World world(two_zones() + std::vector<std::string>{"_acme-challenge.example.com TXT \"old\""});
    const auto facts = world.survey("*.example.com");
    CHECK(facts.error == "");
    CHECK(facts.challenge_name == "_acme-challenge.example.com");
    CHECK(facts.final_name == facts.challenge_name);
    CHECK(facts.chain_end == End::whole);
    CHECK(hops(facts) == Texts{});
    REQUIRE(facts.zone);
    CHECK(facts.zone->name == "example.com");
    CHECK(Texts(facts.zone->ns) == Texts{"ns1.example.com", "ns2.example.com"});
    CHECK(server_states(facts) == Texts{"ns1.example.com answers 42", "ns2.example.com answers 42"});
    CHECK(Texts(facts.zone->servers[0].txt) == Texts{"old"});
    CHECK(facts.zone->servers[0].primary == "ns1.example.com");
    CHECK(Texts(facts.zone->servers[1].ns) == Texts{"ns1.example.com", "ns2.example.com"});
  }

  TEST_CASE("aliases over several zones") {
    World world(two_zones() + std::vector<std::string>{"_acme-challenge.example.com CNAME y.example.com.",
                                                       "y.example.com CNAME x.acme.net."});
    const auto facts = world.survey("example.com");
    CHECK(hops(facts) == Texts{"_acme-challenge.example.com (example.com) > y.example.com",
                               "y.example.com (example.com) > x.acme.net"});
    CHECK(facts.final_name == "x.acme.net");
    REQUIRE(facts.zone);
    CHECK(facts.zone->name == "acme.net");
    CHECK(Texts(facts.zone->servers.at(0).txt) == Texts{"left over"});
  }

  TEST_CASE("a DNAME above the name") {
    World world(two_zones() +
                std::vector<std::string>{"shop.example.com DNAME acme.net.", "_acme-challenge.acme.net TXT \"t\""});
    const auto facts = world.survey("shop.example.com");
    // The owner of a DNAME itself is no alias (RFC 6672 §2.3): only what lies below it.
    CHECK(hops(facts) ==
          Texts{"_acme-challenge.shop.example.com (example.com) > _acme-challenge.acme.net by shop.example.com"});
    CHECK(facts.final_name == "_acme-challenge.acme.net");
  }

  TEST_CASE("a loop, a chain that is too long, one that ends nowhere") {
    World loop(two_zones() + std::vector<std::string>{"_acme-challenge.example.com CNAME b.example.com.",
                                                      "b.example.com CNAME _acme-challenge.example.com."});
    CHECK(loop.survey("example.com").chain_end == End::loop);
    CHECK(loop.survey("example.com").chain.size() == 2);
    World self(two_zones() +
               std::vector<std::string>{"_acme-challenge.example.com CNAME _acme-challenge.example.com."});
    CHECK(self.survey("example.com").chain_end == End::loop);
    std::vector<std::string> chain{"_acme-challenge.example.com CNAME c0.example.com."};
    for (int i = 0; i < 12; ++i)
      chain.push_back("c" + std::to_string(i) + ".example.com CNAME c" + std::to_string(i + 1) + ".example.com.");
    World endless(two_zones() + chain);
    CHECK(endless.survey("example.com").chain_end == End::too_long);
    CHECK(endless.survey("example.com").chain.size() == DomainFacts::longest_chain + 1);
    World nowhere(two_zones() + std::vector<std::string>{"_acme-challenge.example.com CNAME x.gone.invalid."});
    const auto facts = nowhere.survey("example.com");
    CHECK(facts.chain_end == End::nowhere);
    CHECK(facts.final_name == "x.gone.invalid");
    CHECK_FALSE(facts.zone);
    World top_level(two_zones() + std::vector<std::string>{"_acme-challenge.example.com CNAME gone.com."});
    CHECK(top_level.survey("example.com").chain_end == End::nowhere);
  }

  TEST_CASE("a wildcard CNAME that swallows the challenge name") {
    World world(two_zones() + std::vector<std::string>{"*.example.com CNAME www.example.com."});
    const auto facts = world.survey("shop.example.com");
    REQUIRE(facts.chain.size() == 1);
    CHECK(facts.chain[0].wildcard);
    CHECK(facts.final_name == "www.example.com");
  }

  TEST_CASE("servers that are lame, disagree or have no address, one by one") {
    auto others = two_zones();
    others[1] = "example.com SOA ns1.example.com. admin.example.com. 41 1 2 3 4";
    others.push_back("example.com NS ns3.example.com.");
    World behind(two_zones(), others);
    const auto facts = behind.survey("example.com");
    CHECK(server_states(facts) == Texts{"ns1.example.com answers 42", "ns2.example.com answers 41"});
    CHECK(facts.zone->servers[1].ns.size() == 3);
    World lame(two_zones() + std::vector<std::string>{"example.com NS ns3.example.com."},
               {"other.test SOA ns1.other.test. a.other.test. 1 1 1 1 1"});
    CHECK(server_states(lame.survey("example.com")) ==
          Texts{"ns1.example.com answers 42", "ns2.example.com lame: SOA: REFUSED", "ns3.example.com no_address"});
  }

  TEST_CASE("a server that does not answer") {
    World world(two_zones());
    world.secondary.reset();
    CHECK(server_states(world.survey("example.com")) ==
          Texts{"ns1.example.com answers 42", "ns2.example.com unreachable: SOA: connection refused"});
  }

  TEST_CASE("CAA: the closest set upwards, by the domain's own parents, through its own CNAME") {
    World world(two_zones() + std::vector<std::string>{"example.com CAA 0 issue \"ca.test\"",
                                                       "a.example.com CNAME caa.acme.net.",
                                                       "caa.acme.net CAA 128 issuewild \";\""});
    const auto parent = world.survey("b.example.com").caa;
    CHECK(parent.asked == "example.com");
    CHECK(parent.owner == "example.com");
    REQUIRE(parent.records.size() == 1);
    CHECK(parent.records[0].value == "ca.test");
    const auto alias = world.survey("a.example.com").caa;
    CHECK(alias.asked == "a.example.com");
    CHECK(alias.owner == "caa.acme.net");
    CHECK(Texts(alias.aliases) == Texts{"caa.acme.net"});
    CHECK(alias.records.at(0).critical());
    const auto below_alias = world.survey("x.a.example.com").caa;
    CHECK(below_alias.asked == "a.example.com");
    World open(two_zones());
    CHECK(open.survey("example.com").caa.records.empty());
    CHECK(open.survey("example.com").caa.error == "");
  }

  TEST_CASE("a CAA question that fails is told, and is not taken for none") {
    World world(two_zones());
    world.resolver = std::make_unique<NameServer>(world.io.get_executor(), "127.0.0.1", 0,
                                                  [zones = test::Zones(two_zones())](const Asked& asked) {
                                                    test::Answer answer = zones.answer(asked.question, true);
                                                    if (asked.question.type == RecordType::caa) answer.rcode = 2;
                                                    return std::vector{answer.wire(asked)};
                                                  });
    const auto facts = world.survey("example.com");
    CHECK(facts.caa.error == "example.com: SERVFAIL");
    CHECK(facts.zone);
  }

  TEST_CASE("how others see it") {
    World world(two_zones());
    auto inside = two_zones();
    inside[1] = "example.com SOA dc.corp.example. admin.example.com. 9 1 2 3 4";
    inside[4] = "ns1.example.com A 10.0.0.53";
    const auto other = world.server("127.0.0.1", 0, inside, true);
    world.options.views = {{"the inside", {other->endpoint()}, true}, {"nobody", {"127.0.0.1:1"}, false}};
    const auto facts = world.survey("example.com");
    REQUIRE(facts.views.size() == 2);
    const ViewFacts& view = facts.views[0];
    CHECK(view.resolver == "the inside");
    CHECK(view.system);
    CHECK(view.zone == "example.com");
    CHECK(view.serial == 9);
    CHECK(view.primary == "dc.corp.example");
    CHECK(Texts(view.ns) == Texts{"ns1.example.com", "ns2.example.com"});
    CHECK(Texts(view.addresses) == Texts{"10.0.0.53", "127.0.0.2"});
    CHECK(facts.views[1].error.find("connection refused") != std::string::npos);
  }

  TEST_CASE("nobody answers: nothing is known, and that is said") {
    World world(two_zones());
    world.resolver = std::make_unique<NameServer>(world.io.get_executor(), "127.0.0.1", 0,
                                                  [](const Asked&) { return std::vector<std::string>{}; });
    const auto facts = world.survey("example.com");
    CHECK(facts.error.starts_with("_acme-challenge.example.com: no answer within "));
    CHECK(facts.chain_end == End::unknown);
    CHECK_FALSE(facts.zone);
  }

  TEST_CASE("many domains at once share what they have in common") {
    World world(two_zones());
    std::vector<std::string> domains;
    for (int i = 0; i < 50; ++i) domains.push_back("n" + std::to_string(i) + ".example.com");
    const auto all = world.survey(domains);
    REQUIRE(all.size() == 50);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(all[i].domain == domains[i]);
      CHECK(all[i].zone->servers.size() == 2);
    }
    const auto& asked = world.resolver->asked();
    const auto ns = std::count_if(asked.begin(), asked.end(), [](const Asked& one) {
      return one.question == dns::Question{"example.com", RecordType::ns};
    });
    CHECK(ns == 1);
  }
}
