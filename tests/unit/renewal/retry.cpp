#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/retry.hpp>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using enum FailureClass;
using certherd::test::day;
using certherd::test::now;
using renewal::RetryKind;

namespace {

Failure failure(FailureClass failure_class, std::optional<Seconds> retry_after = {}) {
  Failure failure;
  failure.failure_class = failure_class;
  failure.retry_after = retry_after;
  return failure;
}

CertificateState failed(FailureClass failure_class, CertificateState before = {}, const std::string& fingerprint = "f",
                        TimePoint at = now) {
  return renewal::after_failure(std::move(before), failure(failure_class), fingerprint, at, 0.5);
}

}  // namespace

TEST_SUITE("renewal/retry") {
  TEST_CASE("every failure class has its kind, and a second attempt follows the transient ones alone, once") {
    struct Row {
      RetryKind kind;
      std::vector<FailureClass> classes;
    };
    const Row rows[] = {
        {RetryKind::transient, {dns_error, provider_error, ca_unavailable, bad_nonce, certbot_locked}},
        {RetryKind::configuration,
         {caa_refused, provider_auth, provider_scope, ca_rejected, account_problem, credentials_file, plugin_missing,
          plugin_broken}},
        {RetryKind::ordinary,
         {txt_missing, txt_wrong, rate_limited, certbot_timeout, certbot_crash, bad_output, publish_failed,
          state_unwritable, preflight_blocked}},
        {RetryKind::none, {interrupted}},
    };
    std::size_t seen = 0;
    for (const auto& [kind, classes] : rows)
      for (const auto failure_class : classes) {
        CAPTURE(to_string(failure_class));
        ++seen;
        CHECK(renewal::retry_kind(failure_class) == kind);
        CHECK(renewal::second_attempt_at_once(failure_class, 1) == (kind == RetryKind::transient));
        CHECK_FALSE(renewal::second_attempt_at_once(failure_class, 2));
      }
    CHECK(seen == all_failure_traits().size());
    CHECK(renewal::second_attempt_at_once(ca_unavailable, 1, Seconds(60)));
    CHECK_FALSE(renewal::second_attempt_at_once(ca_unavailable, 1, Seconds(61)));
  }

  TEST_CASE("the ladder, with and without Retry-After") {
    struct Row {
      FailureClass failure_class;
      int failures;
      std::optional<Seconds> retry_after;
      double random01;
      Seconds expected;
    };
    const Row rows[] = {
        {txt_missing, 1, {}, 0.5, 1min},
        {txt_missing, 2, {}, 0.5, 10min},
        {txt_missing, 3, {}, 0.5, 100min},
        {txt_missing, 4, {}, 0.5, 24h},
        {txt_missing, 5000, {}, 0.5, 24h},
        {txt_missing, 0, {}, 0.5, 1min},
        {txt_missing, 1, {}, 0.0, Seconds(54)},
        {txt_missing, 1, {}, 1.0, Seconds(66)},
        {bad_nonce, 4, {}, 0.0, Seconds(77760)},
        {bad_nonce, 4, {}, 1.0, Seconds(95040)},
        {provider_auth, 1, {}, 0.5, 24h},
        {plugin_missing, 7, {}, 0.5, 24h},
        {rate_limited, 1, {}, 0.5, 1h},
        {rate_limited, 3, {}, 0.5, 100min},
        {rate_limited, 1, Seconds(123456), 0.0, Seconds(123456)},
        {rate_limited, 9, Seconds(3601), 1.0, Seconds(3601)},
        {ca_unavailable, 1, Seconds(90), 0.0, Seconds(90)},
        {ca_unavailable, 5, Seconds(90), 0.9, Seconds(90)},
        {ca_unavailable, 1, Seconds(0), 0.0, Seconds(60)},
        {ca_unavailable, 1, Seconds(-100), 0.0, Seconds(60)},
        {ca_unavailable, 1, Seconds::max(), 0.0, 30 * 24h},
        {account_problem, 1, Seconds(60), 0.5, 24h},
        {account_problem, 1, Seconds(2 * 86400), 0.5, 48h},
    };
    for (const auto& row : rows) {
      CAPTURE(to_string(row.failure_class));
      CAPTURE(row.failures);
      CHECK(renewal::retry_at(row.failure_class, row.failures, now, row.retry_after, row.random01) ==
            now + row.expected);
    }
  }

  TEST_CASE("failures in a row climb the ladder; another configuration or another kind begins it anew") {
    auto state = failed(txt_missing);
    CHECK(state.failures == 1);
    CHECK(state.failure_class == txt_missing);
    CHECK(state.failed_at == now);
    CHECK(state.retry_at == now + 1min);
    CHECK(state.fingerprint == "f");
    state = failed(dns_error, state);
    CHECK(state.failures == 2);
    CHECK(failed(txt_missing, state, "g").failures == 1);
    CHECK(failed(provider_auth, state).failures == 1);
    CHECK(failed(txt_missing, failed(provider_auth, state)).failures == 1);
    CHECK(failed(provider_scope, failed(provider_auth, state)).failures == 2);
  }

  TEST_CASE("an interruption is no failure; a success ends the row and keeps what was told") {
    auto state = failed(txt_missing);
    state.failed_told = now;
    state.profile = "shortlived";
    CHECK(failed(interrupted, state).failures == 1);
    CHECK(failed(interrupted, state).failure_class == txt_missing);
    CHECK_FALSE(failed(interrupted).failure_class);
    const auto after = renewal::after_success(state, std::nullopt, now);
    CHECK(after.failures == 0);
    CHECK_FALSE(after.failure_class);
    CHECK_FALSE(after.retry_at);
    CHECK(after.failed_told == now);
    CHECK(after.profile == "shortlived");
    CHECK_FALSE(after.window_obeyed);
  }

  TEST_CASE("a success that the CA's window brought about long before its time is noted") {
    CertificateFacts facts;
    facts.serial = "01";
    facts.ari_id = "a.b";
    facts.not_before = now - 10 * day;
    facts.not_after = now + 80 * day;
    CertificateState state;
    CHECK_FALSE(renewal::after_success(state, facts, now).window_obeyed);
    state.window = RenewalWindow{"a.b", now - 2h, now - 1h, "", now - 2h, now, now};
    CHECK(renewal::after_success(state, facts, now).window_obeyed == now);
    CHECK_FALSE(renewal::after_success(state, std::nullopt, now).window_obeyed);
    state.window = RenewalWindow{"a.b", now + 1h, now + 2h, "", now + 90min, now, now};  // its time had not come
    CHECK_FALSE(renewal::after_success(state, facts, now).window_obeyed);
    state.window = RenewalWindow{"a.a", now - 2h, now - 1h, "", now - 2h, now, now};
    CHECK_FALSE(renewal::after_success(state, facts, now).window_obeyed);
    state.window->ari_id = "a.b";
    facts.not_before -= 45 * day;  // about its time anyway
    facts.not_after -= 45 * day;
    CHECK_FALSE(renewal::after_success(state, facts, now).window_obeyed);
  }

  TEST_CASE("until when it is held") {
    CHECK_FALSE(renewal::held_until({}, "f", now));
    const auto state = failed(txt_missing);
    CHECK(renewal::held_until(state, "f", now) == now + 1min);
    CHECK(renewal::held_until(state, "g", now) == now + 1min);  // no matter of configuration
    CHECK(renewal::held_until(state, "f", now + 1min - Seconds(1)) == now + 1min);
    CHECK_FALSE(renewal::held_until(state, "f", now + 1min));
    const auto wrong = failed(provider_auth);
    CHECK(renewal::held_until(wrong, "f", now) == now + 24h);
    CHECK_FALSE(renewal::held_until(wrong, "g", now));
  }

  TEST_CASE("a failure in the future is not believed: the clock was stepped back") {
    const auto state = failed(provider_auth);
    CHECK(renewal::held_until(state, "f", now - 30min) == now + 24h);  // within what clocks may differ by
    CHECK_FALSE(renewal::held_until(state, "f", now - 2h));
    CHECK_FALSE(renewal::held_until(state, "f", now - 365 * day));
    auto odd = state;
    odd.retry_at = now + 400 * day;
    CHECK_FALSE(renewal::held_until(odd, "f", now));
  }
}
