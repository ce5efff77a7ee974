#include <ostream>

#include "preflight/samples.hpp"

#include <doctest/doctest.h>
#include <certherd/base/text.hpp>
#include <certherd/preflight/examine.hpp>

#include <algorithm>
#include <functional>

using namespace certherd;
using preflight::Question;
using sample::lines;
using Severity = Finding::Severity;
using Topic = Finding::Topic;
using End = DomainFacts::ChainEnd;
using State = ServerFacts::State;

namespace {

std::string fix(const Question& question, Topic topic) {
  std::string text;
  for (const auto& finding : examine(question))
    if (finding.topic == topic && finding.severity != Severity::info) text += finding.fix + "\n";
  return text;
}

struct FindingRow {
  const char* what;
  std::function<void(Question&)> spoil;
  std::string expected;
};

void check(const std::vector<FindingRow>& rows, Topic topic, const Question& start) {
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto question = start;
    row.spoil(question);
    CHECK(lines(question, topic) == row.expected);
  }
}

}  // namespace

TEST_SUITE("preflight/examine") {
  TEST_CASE("all is well: facts alone") {
    const auto findings = examine(sample::question());
    CHECK(worst(findings) == Severity::info);
    REQUIRE(findings.size() == 3);
    CHECK(findings[0].seen ==
          "_acme-challenge.www.example.com lies in zone example.com, SOA 42 of ns1.example.com, served by "
          "ns1.example.com, ns2.example.com");
    CHECK(findings[1].seen == "CAA allows letsencrypt (letsencrypt.org): there is no CAA record up to the root");
    CHECK(findings[2].seen ==
          "the same as the zone's own servers: the system's resolver 127.0.0.53:53, "
          "public resolver 1.1.1.1:53");
  }

  TEST_CASE("DNS that cannot be asked blocks nothing, whatever else is there") {
    auto question = sample::delegated();
    question.facts.error = "no resolver answers";
    question.facts.chain_end = End::loop;
    question.facts.caa.records = {{0, "issue", ";"}};
    question.account_zones = {"elsewhere.example"};
    const auto findings = examine(question);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::warning);
    CHECK(findings[0].topic == Topic::dns);
    CHECK(findings[0].seen == "could not ask DNS: no resolver answers; nothing is blocked");
    CHECK_FALSE(findings[0].fix.empty());
  }

  TEST_CASE("the zone") {
    const auto no_zone = [](End end) {
      auto question = sample::question();
      question.facts.zone.reset();
      question.facts.views.clear();
      question.facts.chain_end = end;
      return question;
    };
    CHECK(lines(no_zone(End::whole), Topic::zone) ==
          "warning: no zone was found that holds _acme-challenge.www.example.com; nothing is blocked\n");
    CHECK(lines(no_zone(End::nowhere), Topic::zone) ==
          "blocking: _acme-challenge.www.example.com lies in no zone that exists\n");
    CHECK(lines(no_zone(End::unknown), Topic::zone).empty());
    CHECK(lines(no_zone(End::unknown), Topic::dns) ==
          "warning: could not find out where _acme-challenge.www.example.com leads: DNS did not answer after "
          "_acme-challenge.www.example.com; nothing is blocked\n");
    auto half_known = sample::question();
    half_known.facts.chain_end = End::unknown;
    CHECK(lines(half_known, Topic::zone).starts_with("info: "));
    CHECK(lines(half_known, Topic::dns).starts_with("warning: "));
    for (const End end : {End::whole, End::nowhere, End::unknown}) CHECK(lines(no_zone(end), Topic::scope).empty());
  }

  TEST_CASE("CAA") {
    auto question = sample::question();
    auto& caa = question.facts.caa;
    caa.owner = caa.asked = "example.com";
    caa.records = {{0, "issue", "ca.example"}};
    CHECK(lines(question, Topic::caa) ==
          "blocking: CAA forbids letsencrypt (letsencrypt.org) to issue for www.example.com, because it names another "
          "CA: example.com. IN CAA 0 issue \"ca.example\"\n");
    CHECK(fix(question, Topic::caa) == "Add the record example.com. IN CAA 0 issue \"letsencrypt.org\"\n");

    caa.owner = "policy.example.net";
    caa.aliases = {"example.com CNAME a.example.net", "a.example.net CNAME policy.example.net"};
    CHECK(lines(question, Topic::caa) ==
          "blocking: CAA forbids letsencrypt (letsencrypt.org) to issue for www.example.com, because it names another "
          "CA: policy.example.net. IN CAA 0 issue \"ca.example\", reached from example.com through example.com CNAME "
          "a.example.net, a.example.net CNAME policy.example.net\n");
    CHECK(fix(question, Topic::caa) ==
          "Add the record policy.example.net. IN CAA 0 issue \"letsencrypt.org\" where the "
          "aliases of example.com lead\n");
    caa.aliases.clear();

    caa.records = {{0, "issue", "letsencrypt.org"}};
    CHECK(lines(question, Topic::caa) ==
          "info: CAA allows letsencrypt (letsencrypt.org): policy.example.net. IN CAA 0 issue \"letsencrypt.org\"\n");

    caa.records = {{0, "issue", "letsencrypt.org; accounturi=https://ca/1"}};
    CHECK(
        lines(question, Topic::caa) ==
        "warning: CAA may forbid letsencrypt (letsencrypt.org) to issue for www.example.com, because the ACME account "
        "is not registered yet, so its accounturi cannot be compared: policy.example.net. IN CAA 0 issue "
        "\"letsencrypt.org; accounturi=https://ca/1\"\n");
    CHECK(fix(question, Topic::caa) == "Once the account is registered, see that accounturi is its URI.\n");
    question.account_uri = "https://ca/1";
    CHECK(lines(question, Topic::caa).starts_with("info: "));

    caa.records = {{128, "tbs", "Unknown"}};
    CHECK(lines(question, Topic::caa).starts_with("blocking: "));
    CHECK(fix(question, Topic::caa) == "Remove the record, or the flag if the CA is to ignore it.\n");
    caa.records = {{1, "tbs", "Unknown"}};
    question.account_uri.reset();
    CHECK(lines(question, Topic::caa).starts_with("warning: "));
    CHECK(fix(question, Topic::caa) == "Remove the record, or the flag if the CA is to ignore it.\n");

    caa.records = {{0, "issue", "ca.example"}};
    question.ca_identities.clear();
    CHECK(lines(question, Topic::caa) ==
          "warning: CAA may forbid letsencrypt to issue for www.example.com, because the CA does not say by which name "
          "CAA records call it: policy.example.net. IN CAA 0 issue \"ca.example\"\n");
    CHECK(fix(question, Topic::caa) ==
          "Ask the CA which name its CAA records need, and add a record with it at policy.example.net.\n");

    caa = {};
    caa.error = "www.example.com: SERVFAIL";
    CHECK(lines(question, Topic::caa) ==
          "warning: the CAA records of www.example.com could not be looked up (www.example.com: SERVFAIL); a CA that "
          "cannot either refuses\n");
  }

  TEST_CASE("servers") {
    const auto set = [](std::size_t index, State state, std::string error) {
      return [index, state, error](Question& question) {
        auto& server = question.facts.zone->servers[index];
        server.state = state;
        server.error = error;
      };
    };
    const std::vector<std::string> other{"ns1.example.com", "ns3.example.com"};
    check(
        {{"well", [](Question&) {}, ""},
         {"lame", set(1, State::lame, "REFUSED"),
          "warning: ns2.example.com (192.0.2.2:53), a server of example.com, does not answer for the zone: REFUSED\n"},
         {"unreachable", set(0, State::unreachable, "no answer within 1.5 s"),
          "warning: ns1.example.com (192.0.2.1:53), a server of example.com, cannot be reached: no answer within "
          "1.5 s\n"},
         {"no address",
          [](Question& question) {
            auto& server = question.facts.zone->servers[1];
            server.state = State::no_address;
            server.address.clear();
          },
          "warning: ns2.example.com, a server of example.com, has no address\n"},
         {"all unreachable or without address",
          [&](Question& question) {
            set(0, State::unreachable, "no answer within 1.5 s")(question);
            set(1, State::no_address, "")(question);
          },
          "warning: no server of example.com can be reached from here; nothing is blocked: ns1.example.com "
          "(192.0.2.1:53) cannot be reached: no answer within 1.5 s, ns2.example.com (192.0.2.2:53) has no "
          "address\n"},
         {"not asked in time", set(1, State::not_asked, "SOA: no time left to ask"),
          "info: the time was over before these servers of example.com were asked: ns2.example.com (192.0.2.2:53); "
          "this host or its resolvers are slow\n"},
         {"none asked in time, or reached",
          [&](Question& question) {
            set(0, State::unreachable, "no answer within 1.5 s")(question);
            set(1, State::not_asked, "")(question);
          },
          "warning: ns1.example.com (192.0.2.1:53), a server of example.com, cannot be reached: no answer within "
          "1.5 s\n"
          "info: the time was over before these servers of example.com were asked: ns2.example.com (192.0.2.2:53); "
          "this host or its resolvers are slow\n"},
         {"IPv6 nowhere",
          [&](Question& question) {
            auto& servers = question.facts.zone->servers;
            servers.push_back(sample::server("ns1.example.com", "[2001:db8::1]:53"));
            set(2, State::unreachable, "network is unreachable")(question);
          },
          "info: no server of example.com was reached by IPv6 (ns1.example.com ([2001:db8::1]:53)): this host may "
          "have none\n"},
         {"IPv6 at one of two",
          [&](Question& question) {
            auto& servers = question.facts.zone->servers;
            servers.push_back(sample::server("ns1.example.com", "[2001:db8::1]:53"));
            servers.push_back(sample::server("ns2.example.com", "[2001:db8::2]:53"));
            set(2, State::unreachable, "")(question);
          },
          "warning: ns1.example.com ([2001:db8::1]:53), a server of example.com, cannot be reached\n"},
         {"another serial", [](Question& question) { question.facts.zone->servers[1].serial = 41; },
          "warning: the servers of example.com do not hold the same version; SOA serial 41 at ns2.example.com "
          "(192.0.2.2:53); 42 at ns1.example.com (192.0.2.1:53)\n"},
         {"a serial that a lame server kept",
          [&](Question& question) {
            set(1, State::lame, "")(question);
            question.facts.zone->servers[1].serial = 41;
          },
          "warning: ns2.example.com (192.0.2.2:53), a server of example.com, does not answer for the zone\n"},
         {"another NS set",
          [&](Question& question) {
            for (auto& server : question.facts.zone->servers) server.ns = {"ns1.example.com", "ns2.example.com", "x"};
          },
          "warning: the NS records of example.com at ns1.example.com (192.0.2.1:53), ns2.example.com (192.0.2.2:53) "
          "are not those that the resolver has; only there: x\n"},
         {"one that does not name itself", [&](Question& question) { question.facts.zone->servers[1].ns = other; },
          "warning: the NS records of example.com at ns2.example.com (192.0.2.2:53) are not those that the resolver "
          "has; missing: ns2.example.com; only there: ns3.example.com\n"
          "warning: ns2.example.com (192.0.2.2:53) answers for example.com, and does not name itself in the zone's "
          "NS records\n"},
         {"one that the delegation does not name",
          [](Question& question) { question.facts.zone->ns = {"ns1.example.com"}; },
          "warning: the NS records of example.com at ns1.example.com (192.0.2.1:53), ns2.example.com (192.0.2.2:53) "
          "are not those that the resolver has; only there: ns2.example.com\n"
          "warning: ns2.example.com (192.0.2.2:53) answers for example.com, and the delegation does not name it\n"},
         {"no NS records from the resolver", [](Question& question) { question.facts.zone->ns.clear(); }, ""},
         {"no NS answer", [](Question& question) { question.facts.zone->servers[1].ns.clear(); }, ""}},
        Topic::servers, sample::question());
  }

  TEST_CASE("account scope") {
    const auto zones = [](std::vector<std::string> zones) {
      return [zones](Question& question) { question.account_zones = zones; };
    };
    check({{"covered", [](Question&) {}, ""},
           {"no zones said", zones({}), ""},
           {"a zone narrower than the real one", zones({"www.example.com"}), ""},
           {"another zone", zones({"example.org", "ample.com"}),
            "blocking: no zone of account main (example.org, ample.com) covers _acme-challenge.www.example.com (zone "
            "example.com)\n"},
           {"a zone beside it", zones({"mail.example.com"}),
            "blocking: no zone of account main (mail.example.com) covers _acme-challenge.www.example.com (zone "
            "example.com)\n"},
           {"delegated out of the account's zone",
            [](Question& question) { question.facts.zone->name = "www.example.com"; },
            "info: _acme-challenge.www.example.com lies in zone www.example.com, below example.com, which account main "
            "names: the account has to be able to edit www.example.com\n"}},
          Topic::scope, sample::question());

    auto question = sample::delegated();
    CHECK(lines(question, Topic::scope).empty());
    question.account_zones = {"example.com"};
    CHECK(lines(question, Topic::scope) ==
          "blocking: no zone of account main (example.com) covers x.acme.net (zone acme.net)\n");
    CHECK(fix(question, Topic::scope) ==
          "Add acme.net to the zones of account main if it may edit it, or use an account that may.\n");
    question.other_accounts = {{"far", {"example.org"}}, {"wide", {"acme.net"}}, {"near", {"net", "x.acme.net"}}};
    CHECK(fix(question, Topic::scope) == "Use account near, whose zone x.acme.net covers it.\n");
    question.other_accounts.pop_back();
    CHECK(fix(question, Topic::scope) == "Use account wide, whose zone acme.net covers it.\n");
    question.facts.chain_end = End::too_long;
    CHECK(lines(question, Topic::scope).empty());
  }

  TEST_CASE("what a server sends cannot break the sentence") {
    auto question = sample::question();
    question.facts.zone->servers[1].state = State::lame;
    question.facts.zone->servers[1].error = "\x1b[31mboo\nnext\tline";
    CHECK(contains(lines(question, Topic::servers), "zone: \\x1b[31mboo next line\n"));
    question.facts.zone->servers[1].error = std::string(100'000, 'x');
    CHECK(lines(question, Topic::servers).size() < 3000);
  }
}
