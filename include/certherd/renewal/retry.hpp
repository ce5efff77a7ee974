#pragma once

#include <certherd/model/failure.hpp>
#include <certherd/model/generation.hpp>
#include <certherd/model/state.hpp>

#include <optional>
#include <string>

namespace certherd::renewal {

/// How a failure is retried.
enum class RetryKind {
  transient,      ///< gone in a moment as a rule: a second Attempt at once, then the ladder
  configuration,  ///< the same until a person changes something: daily, and at once when that has happened
  ordinary,       ///< the ladder: 1 min, 10 min, 100 min, then daily
  none            ///< no failure of the certificate: certherd was told to stop
};

RetryKind retry_kind(FailureClass failure_class);

/// Whether an Attempt that failed is followed by another within the same Run: a transient failure of the first one.
/// With a Retry-After longer than a minute the CA has said otherwise: no.
bool second_attempt_at_once(FailureClass failure_class, int attempts_made,
                            std::optional<Seconds> retry_after = std::nullopt);

/// When to try again. `failures`: in a row, this one included. `random01` in [0, 1): the ladder's ±10 %.
/// A Retry-After (counted from `failed_at`) is honoured exactly: neither earlier nor jittered, at least a minute, and
/// at most 30 days, beyond which it is no time but a mistake. Configuration kinds wait for whichever is later.
TimePoint retry_at(FailureClass failure_class, int failures, TimePoint failed_at, std::optional<Seconds> retry_after,
                   double random01);

/// The state after a failed Run. The ladder begins anew when the fingerprint or the kind of failure is another than
/// before: that is a new trouble. An interrupted Run changes nothing.
CertificateState after_failure(CertificateState state, const Failure& failure, const std::string& fingerprint,
                               TimePoint now, double random01);

/// The state after a Run that published. What was told of the failure stays, so that its end can be told too
/// (renewal/notices.hpp); the profile is the caller's to set. `replaced`: what was published before; when the CA's
/// window had it replaced long before its time, that is noted (CertificateState::window_obeyed).
CertificateState after_success(CertificateState state, const std::optional<CertificateFacts>& replaced, TimePoint now);

/// Until when a Certificate is not to be tried. nullopt: it may go at once, since nothing failed, the time has come,
/// what a failure of the configuration kind depended on has changed, or the failure is noted in the future: the clock
/// was stepped back since, and what it said then means nothing now.
std::optional<TimePoint> held_until(const CertificateState& state, const std::string& fingerprint_now, TimePoint now);

}  // namespace certherd::renewal
