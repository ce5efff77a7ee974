#include <ostream>

#include <doctest/doctest.h>
#include <certherd/service/wait_plan.hpp>

#include <support/texts.hpp>

using namespace certherd;
using service::plan_wait;

namespace {

/// A provider that waits ten seconds, an account and a certificate.
struct Planned {
  service::Configuration configuration;
  Certificate certificate;

  Planned() {
    Provider provider;
    provider.id = "x";
    provider.default_seconds = Seconds(10);
    configuration.providers["x"] = provider;
    Account account;
    account.id = "a";
    account.provider = "x";
    configuration.settings.accounts["a"] = account;
    certificate.provider = "x";
    certificate.account = "a";
  }
  Account& account() { return configuration.settings.accounts.at("a"); }
  service::WaitPlan plan(const std::vector<WaitSample>& samples = {}) const {
    return plan_wait(configuration, certificate, samples);
  }
};

/// As many as it takes, of servers that need half a minute.
std::vector<WaitSample> slow_servers() {
  WaitSample sample;
  sample.slowest = Seconds(30);
  sample.waited = Seconds(31);
  return std::vector<WaitSample>(10, sample);
}

/// The CA found nothing although every server had it and the wait had been ended for that.
WaitSample ended_too_early() {
  WaitSample sample;
  sample.slowest = Milliseconds(500);
  sample.waited = Seconds(1);
  sample.ended = true;
  sample.sequel = WaitSample::Sequel::missed;
  return sample;
}

}  // namespace

TEST_SUITE("service/wait_plan") {
  TEST_CASE("the certificate's number, then the account's, then the provider's") {
    Planned planned;
    CHECK(planned.plan(slow_servers()).seconds == Seconds(10));
    planned.account().propagation = Seconds(20);
    CHECK(planned.plan(slow_servers()).seconds == Seconds(20));
    planned.certificate.propagation = Seconds(0);
    const auto plan = planned.plan(slow_servers());
    CHECK(plan.seconds == Seconds(0));
    CHECK(plan.because.empty());
    CHECK(plan.not_ended_before == Milliseconds(0));
  }

  TEST_CASE("auto, of the account or the certificate; a number of the certificate stays") {
    Planned planned;
    planned.configuration.settings.propagation.end_wait = false;
    planned.account().propagation_auto = true;
    CHECK(learns_wait(planned.configuration, planned.certificate));
    const auto plan = planned.plan(slow_servers());
    CHECK(plan.seconds == Seconds(38));
    REQUIRE(plan.because.size() == 2);
    CHECK(plan.because.back().fact == "so certbot waits at most 38 s for its records to be seen");
    CHECK(planned.plan().seconds == Seconds(10));
    planned.certificate.propagation = Seconds(5);
    CHECK(planned.plan(slow_servers()).seconds == Seconds(5));
    planned.certificate.propagation.reset();
    planned.account().propagation_auto = false;
    planned.account().propagation = Seconds(7);
    planned.certificate.propagation_auto = true;
    CHECK(planned.plan(slow_servers()).seconds == Seconds(38));
  }

  TEST_CASE("a CA that sees less than this host: the wait is not ended so early, unless nobody ends it") {
    Planned planned;
    planned.certificate.propagation = Seconds(60);
    const auto plan = planned.plan({ended_too_early()});
    CHECK(plan.seconds == Seconds(60));
    CHECK(plan.not_ended_before == Seconds(5));
    REQUIRE(plan.because.size() == 1);
    CHECK(plan.because[0].fact.starts_with("the wait is not ended before 5.0 s"));
    CHECK(learns_wait(planned.configuration, planned.certificate));
    planned.configuration.settings.propagation.end_wait = false;
    CHECK_FALSE(learns_wait(planned.configuration, planned.certificate));
    CHECK(planned.plan({ended_too_early()}).because.empty());
    planned.configuration.settings.propagation.end_wait = true;
    planned.configuration.providers.at("x").wait = WaitMechanism::own_poll;
    CHECK(planned.plan({ended_too_early()}).not_ended_before == Milliseconds(0));
  }

  TEST_CASE("auto is never shorter than the time before which the wait is not ended") {
    Planned planned;
    planned.account().propagation_auto = true;
    WaitSample quick;
    quick.slowest = Seconds(1);
    quick.waited = Seconds(60);
    std::vector<WaitSample> samples(20, quick);
    samples.push_back(ended_too_early());
    samples.back().waited = Seconds(40);
    const auto plan = planned.plan(samples);
    REQUIRE(plan.not_ended_before > Seconds(60));
    CHECK(plan.seconds == std::chrono::ceil<Seconds>(plan.not_ended_before));
    CHECK(plan.because.back().fact ==
          "so certbot waits at most " + std::to_string(plan.seconds.count()) + " s for its records to be seen");
    planned.configuration.settings.propagation.end_wait = false;
    CHECK(planned.plan(samples).seconds < Seconds(60));
  }
}
