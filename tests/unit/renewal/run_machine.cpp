#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/run_machine.hpp>

#include <random>

using namespace certherd;
using namespace std::chrono_literals;
using enum FailureClass;
using renewal::RunMachine;
using renewal::Step;
using Action = renewal::Decision::Action;

namespace {

/// The steps a Run takes when each in turn goes as told; after the last answer everything succeeds.
std::string way(Action action, bool registered, const std::vector<std::optional<FailureClass>>& answers) {
  RunMachine machine(action, registered);
  std::string text;
  for (std::size_t i = 0; machine.step() != Step::done; ++i) {
    text += std::string(to_string(machine.step())) + " ";
    if (i < answers.size() && answers[i])
      machine.failed(*answers[i]);
    else
      machine.succeeded();
  }
  return text + (machine.failure() ? std::string(to_string(*machine.failure())) : "well");
}

}  // namespace

TEST_SUITE("renewal/run_machine") {
  TEST_CASE("the ways through a Run") {
    struct Row {
      Action action;
      bool registered;
      std::vector<std::optional<FailureClass>> answers;
      const char* expected;
    };
    const auto ok = std::nullopt;
    const Row rows[] = {
        {Action::nothing, true, {}, "well"},
        {Action::issue, true, {}, "preflight attempt verify publish hooks record well"},
        {Action::issue, false, {}, "preflight account attempt verify publish hooks record well"},
        {Action::publish, true, {}, "verify publish hooks record well"},
        {Action::issue, true, {plugin_missing}, "preflight hooks record plugin_missing"},
        {Action::issue, true, {bad_nonce}, "preflight hooks record bad_nonce"},
        {Action::issue, true, {ok, txt_missing}, "preflight attempt hooks record txt_missing"},
        {Action::issue, true, {ok, bad_nonce}, "preflight attempt attempt verify publish hooks record well"},
        {Action::issue, true, {ok, bad_nonce, dns_error}, "preflight attempt attempt hooks record dns_error"},
        {Action::issue, true, {ok, bad_nonce, interrupted}, "preflight attempt attempt record interrupted"},
        {Action::issue, true, {ok, interrupted}, "preflight attempt record interrupted"},
        {Action::issue, true, {interrupted}, "preflight record interrupted"},
        {Action::issue,
         false,
         {ok, ca_unavailable},
         "preflight account account attempt verify publish hooks record well"},
        {Action::issue,
         false,
         {ok, ca_unavailable, ca_unavailable},
         "preflight account account hooks record ca_unavailable"},
        {Action::issue,
         false,
         {ok, bad_nonce, ok, bad_nonce, bad_nonce},
         "preflight account account attempt attempt hooks record bad_nonce"},
        {Action::issue, false, {ok, account_problem}, "preflight account hooks record account_problem"},
        {Action::issue, true, {ok, ok, bad_output}, "preflight attempt verify hooks record bad_output"},
        {Action::issue,
         true,
         {ok, ok, ok, publish_failed},
         "preflight attempt verify publish hooks record publish_failed"},
        {Action::publish, true, {bad_output}, "verify preflight attempt verify publish hooks record well"},
        {Action::publish, false, {bad_output}, "verify preflight account attempt verify publish hooks record well"},
        {Action::publish,
         true,
         {bad_output, ok, ok, bad_output},
         "verify preflight attempt verify hooks record bad_output"},
        {Action::publish, true, {bad_output, ok, txt_wrong}, "verify preflight attempt hooks record txt_wrong"},
        {Action::publish, true, {interrupted}, "verify record interrupted"},
        {Action::publish, true, {ok, publish_failed}, "verify publish hooks record publish_failed"},
        {Action::publish, true, {ok, ok, certbot_crash}, "verify publish hooks record well"},
        {Action::publish, true, {ok, ok, ok, state_unwritable}, "verify publish hooks record state_unwritable"},
        {Action::publish,
         true,
         {ok, publish_failed, ok, state_unwritable},
         "verify publish hooks record publish_failed"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.expected);
      CHECK(way(row.action, row.registered, row.answers) == row.expected);
    }
  }

  TEST_CASE("a Retry-After beyond a minute rules the second attempt out") {
    RunMachine machine(Action::issue, true);
    machine.succeeded();
    machine.failed(ca_unavailable, 2min);
    CHECK(machine.step() == Step::hooks);
    CHECK(machine.failure() == ca_unavailable);
  }

  TEST_CASE("the second attempt can be given up, and the failure before it stands") {
    RunMachine machine(Action::issue, true);
    machine.succeeded();
    machine.give_up();
    CHECK(machine.step() == Step::attempt);  // nothing has failed yet
    CHECK_FALSE(machine.second_try());
    machine.failed(dns_error);
    CHECK(machine.second_try());
    CHECK(machine.attempts() == 1);
    CHECK_FALSE(machine.failure());
    machine.give_up();
    CHECK(machine.step() == Step::hooks);
    CHECK(machine.failure() == dns_error);
  }

  TEST_CASE("whether an order is part of it") {
    RunMachine machine(Action::publish, true);
    CHECK_FALSE(machine.ordering());
    machine.failed(bad_output);
    CHECK(machine.ordering());
    CHECK(machine.attempts() == 0);
    CHECK(RunMachine(Action::issue, true).ordering());
  }

  TEST_CASE("whatever happens, a Run ends after few steps, is recorded once and never makes a third attempt") {
    std::mt19937 random(7);
    for (int run = 0; run < 20'000; ++run) {
      RunMachine machine(random() % 2 ? Action::issue : Action::publish, random() % 2);
      int steps = 0, attempts = 0, records = 0, accounts = 0;
      bool published = false;
      for (; machine.step() != Step::done; ++steps) {
        REQUIRE(steps < 16);
        attempts += machine.step() == Step::attempt;
        records += machine.step() == Step::record;
        accounts += machine.step() == Step::account;
        const bool well = random() % 3 != 0;
        published = published || (machine.step() == Step::publish && well);
        if (well)
          machine.succeeded();
        else
          machine.failed(static_cast<FailureClass>(random() % all_failure_traits().size()));
      }
      CHECK(records == 1);
      CHECK(attempts <= 2);
      CHECK(accounts <= 2);
      CHECK(machine.attempts() == attempts);
      if (!machine.failure()) CHECK(published);
      machine.succeeded();
      machine.failed(bad_nonce);
      CHECK(machine.step() == Step::done);
    }
  }
}
