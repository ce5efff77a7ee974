#pragma once

#include <certherd/model/generation.hpp>
#include <certherd/model/state.hpp>

#include <optional>
#include <string>

namespace certherd::renewal {

/// A number in [0, 1) that is always the same for the same text: a jitter that needs no memory.
double unit_of(const std::string& text);

/// Below ten days, as certbot 4 and Let's Encrypt's integration guide have it.
bool short_lived(const CertificateFacts& facts);

/// The moment in a suggested window that a random number in [0, 1) stands for (RFC 9773 §4.2: uniform, so that the CA's
/// load is even). A window that is no stretch of time gives its start.
TimePoint choose_moment(TimePoint start, TimePoint end, double random01);

/// Whether a window can be what it says: it is a stretch of time, and was not fetched in the future. The latter happens
/// when the clock was stepped back since; such a window is fetched again rather than believed.
bool believable(const RenewalWindow& window, TimePoint now);

/// The window that counts for a certificate: believable and of the certificate itself; nullptr: none.
const RenewalWindow* window_of(const CertificateFacts& facts, const CertificateState* state, TimePoint now);

/// The CA had put the window into the past already when it was asked: its sign that the certificate is revoked, or is
/// to be replaced at once (RFC 9773 §4.2).
bool window_in_past(const RenewalWindow& window);

/// When the CA is to be asked again. Its Retry-After is kept between one minute and twelve hours (RFC 9773 §4.3.2 lets
/// clients set limits); without one: every six hours at most. Within the window of a short-lived certificate at least
/// four times, beginning with its start: that is how a revocation is noticed in time. `retry_after` counts from `now`.
TimePoint next_ari_check(const CertificateFacts& facts, const std::optional<RenewalWindow>& window, TimePoint now,
                         std::optional<Seconds> retry_after);

/// Whether the CA is to be asked now: nothing believable is known of this certificate, or the time has come. False for
/// a certificate without an ari_id.
bool ari_check_due(const CertificateFacts& facts, const CertificateState* state, TimePoint now);

}  // namespace certherd::renewal
