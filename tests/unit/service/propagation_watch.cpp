#include <ostream>

#include <doctest/doctest.h>
#include <certherd/service/propagation_watch.hpp>

#include <boost/asio/io_context.hpp>

#include "../support/coroutine.hpp"

using namespace certherd;
using service::name_laggards;
using service::PropagationWatch;

namespace {

Failure not_seen(FailureClass failure_class, std::string todo = "wait longer") {
  Failure failure;
  failure.failure_class = failure_class;
  failure.fix = std::move(todo);
  return failure;
}

const std::vector<ServerVisibility> one_lags{{"ns1.example.com", "192.0.2.1:53", Milliseconds(100), ""},
                                             {"ns2.example.com", "192.0.2.2:53", std::nullopt, ""},
                                             {"ns3.example.com", "192.0.2.3:53", std::nullopt, "SERVFAIL"}};

}  // namespace

TEST_SUITE("service/propagation_watch") {
  TEST_CASE("servers that lag are named first, when the CA saw nothing either") {
    for (const auto failure_class : {FailureClass::txt_missing, FailureClass::txt_wrong, FailureClass::dns_error}) {
      Failure failure = not_seen(failure_class);
      name_laggards(failure, one_lags, Seconds(30));
      CHECK(failure.fix ==
            "within the 30 s of the wait the TXT records did not appear on ns2.example.com (192.0.2.2:53), "
            "ns3.example.com (192.0.2.3:53, SERVFAIL): wait longer");
    }
    Failure general = not_seen(FailureClass::txt_missing, "");
    name_laggards(general, one_lags, Seconds(30));
    CHECK(general.fix.ends_with(traits(FailureClass::txt_missing).fix));
  }

  TEST_CASE("of another failure, or when every server had it, nothing is said") {
    Failure other = not_seen(FailureClass::rate_limited);
    name_laggards(other, one_lags, Seconds(30));
    CHECK(other.fix == "wait longer");
    Failure seen = not_seen(FailureClass::txt_missing);
    name_laggards(seen, {one_lags[0]}, Seconds(30));
    name_laggards(seen, {}, Seconds(30));
    CHECK(seen.fix == "wait longer");
  }

  TEST_CASE("without a zone, an account's key or a pending challenge nothing is watched") {
    boost::asio::io_context io{1};
    boost::asio::thread_pool pool{1};
    certbot::LogFacts facts;
    facts.authorizations.resize(1);
    facts.authorizations[0].domain = "example.com";
    facts.authorizations[0].status = "pending";
    facts.authorizations[0].token = "t";
    DomainFacts domain;
    domain.challenge_name = domain.final_name = "_acme-challenge.example.com";
    int ended = 0;
    for (int way = 0; way < 3; ++way) {
      CAPTURE(way);
      PropagationWatch::Plan plan;
      if (way != 0) plan.thumbprint = "thumb";
      if (way != 1) plan.domains = {domain};
      if (way == 2) facts.authorizations[0].status = "valid";
      plan.end_wait = [&] { return ++ended > 0; };
      PropagationWatch watch(io.get_executor(), pool, std::move(plan));
      watch.begin(facts);
      auto finish = [&]() -> boost::asio::awaitable<int> {
        co_await watch.finish();
        co_return 0;
      };
      test::run(io, finish());
      CHECK(watch.visibility().empty());
      CHECK_FALSE(watch.wait_ended());
    }
    CHECK(ended == 0);
  }
}
