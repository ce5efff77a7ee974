#include <ostream>

#include "samples.hpp"

using namespace certherd;
using sample::lines;
using Answered = ScopeAnswer::Says;
using Topic = Finding::Topic;

namespace {

/// The sample's question with an answer of its provider.
preflight::Question answered(Answered says, std::string answer = "", std::vector<std::string> zones = {}) {
  auto question = sample::question();
  question.scope_answer = ScopeAnswer{says, "the API of X", std::move(answer), std::move(zones), true};
  return question;
}

std::string scope_fix(const preflight::Question& question) {
  std::string text;
  for (const auto& finding : examine(question))
    if (finding.topic == Topic::scope) text += finding.fix + "\n";
  return text;
}

}  // namespace

TEST_SUITE("preflight/scope") {
  TEST_CASE("a provider that was not asked is no news") {
    CHECK(lines(sample::question(), Topic::scope).empty());
  }

  TEST_CASE("one that nobody knows how to ask; credentials that cannot be read") {
    CHECK(lines(answered(Answered::no_question), Topic::scope) ==
          "info: provider rfc2136 was not asked what account main may do: the plugins-map knows no way to\n");
    const auto unusable = answered(Answered::unusable, "account main: cannot read x: No such file or directory");
    CHECK(lines(unusable, Topic::scope) == "blocking: account main: cannot read x: No such file or directory\n");
    CHECK(scope_fix(unusable) == "Correct the credentials of account main.\n");
  }

  TEST_CASE("one that says nothing blocks nothing") {
    const auto question = answered(Answered::nothing, "no answer within 3 s");
    CHECK(lines(question, Topic::scope) ==
          "warning: could not ask whether account main may write _acme-challenge.www.example.com: the API of X: no "
          "answer within 3 s; nothing is blocked\n");
  }

  TEST_CASE("an update that would be taken, or not") {
    CHECK(lines(answered(Answered::allowed, "NOERROR"), Topic::scope) ==
          "info: the API of X may write _acme-challenge.www.example.com\n");
    auto refused = answered(Answered::refused, "REFUSED");
    CHECK(lines(refused, Topic::scope) ==
          "blocking: the API of X may not write _acme-challenge.www.example.com: REFUSED\n");
    CHECK(scope_fix(refused).find("update-policy") != std::string::npos);
    refused.other_accounts = {{"far", {"example.net"}}, {"near", {"www.example.com"}}};
    CHECK(scope_fix(refused) == "Use account near, whose zone www.example.com covers it.\n");
  }

  TEST_CASE("credentials that are none; a clock that is wrong") {
    CHECK(lines(answered(Answered::bad_credentials, "HTTP status 401"), Topic::scope) ==
          "blocking: the API of X does not take the credentials of account main: HTTP status 401\n");
    CHECK(scope_fix(answered(Answered::bad_credentials, "HTTP status 401")) ==
          "Correct the credentials of account main.\n");
    CHECK(scope_fix(answered(Answered::bad_credentials, "NOTAUTH (BADTIME)")) ==
          "Set the clock of this host or of that server right.\n");
  }

  TEST_CASE("the list of zones") {
    CHECK(lines(answered(Answered::zones, "", {"example.com", "example.net"}), Topic::scope) ==
          "info: the API of X shows account main the zone example.com\n");
    auto without = answered(Answered::zones, "", {"example.net", "a.example"});
    CHECK(lines(without, Topic::scope) ==
          "blocking: the API of X shows account main only 2 zones: example.net, a.example; none of them holds "
          "_acme-challenge.www.example.com\n");
    CHECK(scope_fix(without) == "Use credentials that may edit example.com.\n");
    without.scope_answer->whole = false;
    CHECK(lines(without, Topic::scope).starts_with("warning: "));
    CHECK(lines(answered(Answered::zones), Topic::scope) ==
          "blocking: the API of X shows account main no zone at all; none of them holds "
          "_acme-challenge.www.example.com\n");
  }

  TEST_CASE("a zone of its own below the one that is shown") {
    auto question = answered(Answered::zones, "", {"com", "example.net"});
    question.account_zones.clear();
    CHECK(lines(question, Topic::scope) ==
          "warning: the API of X shows account main the zone com, but _acme-challenge.www.example.com lies in "
          "example.com, which it does not show: what is written there may be seen by nobody\n");
    question.facts.zone.reset();
    CHECK(lines(question, Topic::scope) == "info: the API of X shows account main the zone com\n");
  }

  TEST_CASE("a plugin that follows aliases writes at their end, another one at their beginning") {
    auto question = sample::delegated();
    question.scope_answer = ScopeAnswer{Answered::allowed, "the server", "NOERROR", {}, true};
    CHECK(lines(question, Topic::scope) == "info: the server may write x.acme.net\n");
    question.provider.follows_cname = false;
    CHECK(lines(question, Topic::scope) == "info: the server may write _acme-challenge.www.example.com\n");
  }
}
