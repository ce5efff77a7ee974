#include <ostream>

#include "preflight/samples.hpp"

#include <doctest/doctest.h>
#include <certherd/preflight/examine.hpp>

#include <functional>

using namespace certherd;
using preflight::Question;
using sample::lines;
using Topic = Finding::Topic;
using End = DomainFacts::ChainEnd;

namespace {

const std::string chain = "_acme-challenge.www.example.com (zone example.com) -> CNAME x.acme.net (zone acme.net)";

void leads_to(Question& question, std::string target, End end) {
  auto& facts = question.facts;
  facts.chain.front().target = target;
  facts.final_name = target;
  facts.chain_end = end;
  facts.zone.reset();
}

}  // namespace

TEST_SUITE("preflight/delegation") {
  TEST_CASE("each trap") {
    struct Row {
      const char* what;
      std::function<void(Question&)> spoil;
      std::string expected;
    };
    const Row rows[] = {
        {"well", [](Question&) {}, "info: the challenge is delegated: " + chain + "\n"},
        {"a loop", [](Question& q) { leads_to(q, "_acme-challenge.www.example.com", End::loop); },
         "blocking: the aliases of _acme-challenge.www.example.com go in circles: _acme-challenge.www.example.com "
         "(zone "
         "example.com) -> CNAME _acme-challenge.www.example.com\n"},
        {"nowhere", [](Question& q) { leads_to(q, "x.gone.invalid", End::nowhere); },
         "blocking: the aliases of _acme-challenge.www.example.com end at x.gone.invalid, which lies in no zone that "
         "exists: _acme-challenge.www.example.com (zone example.com) -> CNAME x.gone.invalid\n"},
        {"too long", [](Question& q) { q.facts.chain_end = End::too_long; },
         "warning: more than 8 aliases lead on from _acme-challenge.www.example.com, and a CA may give up: " + chain +
             "\n"},
        {"not found out", [](Question& q) { leads_to(q, "x.acme.net", End::unknown); }, ""},
        {"a plugin that does not follow", [](Question& q) { q.provider.follows_cname = false; },
         "info: the challenge is delegated: " + chain +
             "\nwarning: the plugin of rfc2136 does not follow CNAMEs: it writes at _acme-challenge.www.example.com, "
             "where a CNAME stands, and the CA looks at x.acme.net\n"},
        {"the same by a DNAME",
         [](Question& q) {
           q.provider.follows_cname = false;
           q.facts.chain.front().dname = "example.com";
         },
         "info: the challenge is delegated: _acme-challenge.www.example.com (zone example.com) -> DNAME at "
         "example.com: "
         "x.acme.net (zone acme.net)\nwarning: the plugin of rfc2136 does not follow CNAMEs: it writes at "
         "_acme-challenge.www.example.com, where the DNAME at example.com leads away, and the CA looks at "
         "x.acme.net\n"},
        {"a plugin that does not follow into a loop: one Finding",
         [](Question& q) {
           q.provider.follows_cname = false;
           leads_to(q, "_acme-challenge.www.example.com", End::loop);
         },
         "blocking: the aliases of _acme-challenge.www.example.com go in circles: _acme-challenge.www.example.com "
         "(zone "
         "example.com) -> CNAME _acme-challenge.www.example.com\n"},
        {"one TXT left over", [](Question& q) { q.facts.zone->servers[0].txt = {"a"}; },
         "info: the challenge is delegated: " + chain + "\ninfo: x.acme.net holds 1 TXT value already\n"},
        {"the same at two servers, and one more",
         [](Question& q) {
           q.facts.zone->servers[0].txt = {"a"};
           q.facts.zone->servers[1].txt = {"a", "b"};
         },
         "info: the challenge is delegated: " + chain + "\ninfo: x.acme.net holds 2 TXT values already\n"},
        {"eight", [](Question& q) { q.facts.zone->servers[0].txt = {"1", "2", "3", "4", "5", "6", "7", "8"}; },
         "info: the challenge is delegated: " + chain + "\ninfo: x.acme.net holds 8 TXT values already\n"},
        {"nine", [](Question& q) { q.facts.zone->servers[0].txt = {"1", "2", "3", "4", "5", "6", "7", "8", "9"}; },
         "info: the challenge is delegated: " + chain +
             "\nwarning: x.acme.net holds 9 TXT values already: answers become too large for some CAs\n"},
        {"two domains at one name of one value",
         [](Question& q) {
           q.provider.single_txt = true;
           q.same_place = {"mail.example.com"};
         },
         "info: the challenge is delegated: " + chain +
             "\nwarning: rfc2136 holds one TXT value for a name, and x.acme.net has to answer for mail.example.com as "
             "well\n"},
        {"two domains at one name of several", [](Question& q) { q.same_place = {"mail.example.com"}; },
         "info: the challenge is delegated: " + chain + "\n"},
        {"one domain at a name of one value", [](Question& q) { q.provider.single_txt = true; },
         "info: the challenge is delegated: " + chain + "\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.what);
      auto question = sample::delegated();
      row.spoil(question);
      CHECK(lines(question, Topic::delegation) == row.expected);
    }
  }

  TEST_CASE("a plugin that follows CNAMEs where there is none is fine") {
    auto question = sample::question();
    CHECK(lines(question, Topic::delegation).empty());
    question.provider.follows_cname = true;
    CHECK(lines(question, Topic::delegation).empty());
  }

  TEST_CASE("a wildcard CNAME blocks nothing: what is written at the name itself ends its reach") {
    auto question = sample::delegated();
    question.facts.chain.front().wildcard = true;
    const std::string info =
        "info: the challenge is delegated: _acme-challenge.www.example.com (zone example.com) -> wildcard CNAME "
        "x.acme.net (zone acme.net)\n";
    const std::string swallows =
        "warning: a wildcard CNAME swallows _acme-challenge.www.example.com: it leads to x.acme.net, as every name "
        "there "
        "does that has no records; ";
    CHECK(lines(question, Topic::delegation) ==
          info + swallows + "the CA looks there as long as no record stands at the name itself\n");
    question.account_zones = {"example.com"};
    CHECK(lines(question, Topic::scope) ==
          "warning: no zone of account main (example.com) covers x.acme.net (zone acme.net)\n");

    question.provider.follows_cname = false;
    CHECK(lines(question, Topic::delegation) ==
          info + swallows +
              "once the plugin of rfc2136 has written at the name itself the wildcard no longer holds there, except in "
              "caches\n");
    CHECK(lines(question, Topic::scope).empty());
    question.account_zones = {"acme.net"};
    CHECK(lines(question, Topic::scope) ==
          "warning: no zone of account main (acme.net) covers _acme-challenge.www.example.com (zone example.com)\n");

    for (const End end : {End::loop, End::nowhere}) {
      leads_to(question, "x.gone.invalid", end);
      for (const bool follows : {true, false}) {
        question.provider.follows_cname = follows;
        CHECK(worst(examine(question)) == Finding::Severity::warning);
      }
    }
  }

  TEST_CASE("a plugin with a zone of its own: the account's zones are not about where it writes") {
    auto question = sample::delegated();
    question.provider = {"acmedns", true, false, false};
    question.account_zones = {"example.com"};
    CHECK(worst(examine(question)) == Finding::Severity::blocking);
    question.provider.own_zone = true;
    CHECK(worst(examine(question)) == Finding::Severity::info);
  }

  TEST_CASE("a DNS that stops answering on the way blocks nothing, and is said") {
    auto question = sample::delegated();
    leads_to(question, "x.acme.net", End::unknown);
    CHECK(lines(question, Topic::dns) ==
          "warning: could not find out where _acme-challenge.www.example.com leads: DNS did not answer after "
          "_acme-challenge.www.example.com (zone example.com) -> CNAME x.acme.net; nothing is blocked\n");
    CHECK(worst(examine(question)) == Finding::Severity::warning);
  }
}
