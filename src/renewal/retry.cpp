#include <certherd/renewal/clock.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/renewal/window.hpp>

#include <algorithm>
#include <array>

namespace certherd::renewal {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Seconds a_day = hours(24);
constexpr std::array<Seconds, 4> ladder{minutes(1), minutes(10), minutes(100), a_day};
constexpr Seconds shortest_wait = minutes(1);
constexpr Seconds longest_wait = hours(30 * 24);
/// A rate limit without a Retry-After: the shortest window of Let's Encrypt's limits.
constexpr Seconds rate_limit_wait = hours(1);

Seconds rung(FailureClass failure_class, int failures) {
  if (retry_kind(failure_class) == RetryKind::configuration) return a_day;
  const auto index = static_cast<std::size_t>(std::clamp(failures, 1, static_cast<int>(ladder.size()))) - 1;
  return failure_class == FailureClass::rate_limited ? std::max(ladder[index], rate_limit_wait) : ladder[index];
}

}  // namespace

RetryKind retry_kind(FailureClass failure_class) {
  using enum FailureClass;
  switch (failure_class) {
    case dns_error:
    case provider_error:
    case ca_unavailable:
    case bad_nonce:
    case certbot_locked:
      return RetryKind::transient;
    case caa_refused:
    case provider_auth:
    case provider_scope:
    case ca_rejected:
    case account_problem:
    case credentials_file:
    case plugin_missing:
    case plugin_broken:
      return RetryKind::configuration;
    case txt_missing:
    case txt_wrong:
    case rate_limited:
    case certbot_timeout:
    case certbot_crash:
    case bad_output:
    case publish_failed:
    // A full disk is emptied by somebody who changes nothing that a fingerprint shows, and trying costs the CA nothing.
    case state_unwritable:
    // DNS changes without certherd's knowledge, and to look again costs the CA nothing.
    case preflight_blocked:
      return RetryKind::ordinary;
    case interrupted:
      return RetryKind::none;
  }
  return RetryKind::ordinary;
}

bool second_attempt_at_once(FailureClass failure_class, int attempts_made, std::optional<Seconds> retry_after) {
  return retry_kind(failure_class) == RetryKind::transient && attempts_made < 2 &&
         retry_after.value_or(Seconds(0)) <= shortest_wait;
}

TimePoint retry_at(FailureClass failure_class, int failures, TimePoint failed_at, std::optional<Seconds> retry_after,
                   double random01) {
  const Seconds base = rung(failure_class, failures);
  const auto jittered = std::chrono::duration<double>(base) * (0.9 + 0.2 * std::clamp(random01, 0.0, 1.0));
  const TimePoint by_ladder = failed_at + std::chrono::duration_cast<TimePoint::duration>(jittered);
  if (!retry_after) return by_ladder;
  const TimePoint asked = failed_at + std::clamp(*retry_after, shortest_wait, longest_wait);
  return retry_kind(failure_class) == RetryKind::configuration ? std::max(asked, by_ladder) : asked;
}

CertificateState after_failure(CertificateState state, const Failure& failure, const std::string& fingerprint,
                               TimePoint now, double random01) {
  const RetryKind kind = retry_kind(failure.failure_class);
  if (kind == RetryKind::none) return state;
  const bool same_trouble =
      state.failure_class && state.fingerprint == fingerprint &&
      (retry_kind(*state.failure_class) == RetryKind::configuration) == (kind == RetryKind::configuration);
  state.failures = same_trouble ? state.failures + 1 : 1;
  state.failure_class = failure.failure_class;
  state.failed_at = now;
  state.fingerprint = fingerprint;
  state.retry_at = retry_at(failure.failure_class, state.failures, now, failure.retry_after, random01);
  return state;
}

CertificateState after_success(CertificateState state, const std::optional<CertificateFacts>& replaced, TimePoint now) {
  // A tenth of the lifetime: windows that are no sign of trouble lie about where the rule has its time.
  const RenewalWindow* window = replaced ? window_of(*replaced, &state, now) : nullptr;
  if (window && window->moment <= now &&
      now < renewal_time(*replaced) - (replaced->not_after - replaced->not_before) / 10)
    state.window_obeyed = now;
  state.failures = 0;
  state.failure_class.reset();
  state.failed_at = {};
  state.retry_at.reset();
  state.fingerprint.clear();
  return state;
}

std::optional<TimePoint> held_until(const CertificateState& state, const std::string& fingerprint_now, TimePoint now) {
  if (!state.failure_class || !state.retry_at || *state.retry_at <= now) return std::nullopt;
  // retry_at() never gives more than this after failed_at, so a longer wait is none of ours.
  if (state.failed_at > now + clock_tolerance || *state.retry_at > state.failed_at + longest_wait) return std::nullopt;
  if (retry_kind(*state.failure_class) == RetryKind::configuration && state.fingerprint != fingerprint_now)
    return std::nullopt;
  return state.retry_at;
}

}  // namespace certherd::renewal
