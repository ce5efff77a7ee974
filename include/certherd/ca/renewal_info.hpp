#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/settings.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace certherd::ca {

/// When the CA suggests to renew a certificate (RFC 9773 §4.2). The window may lie in the past: renew at once.
struct RenewalInfo {
  TimePoint start;
  TimePoint end;                       ///< after start
  std::string explanation_url;         ///< http or https; empty: none
  std::optional<Seconds> retry_after;  ///< when to ask again; within a minute and a day (RFC 9773 §4.3.2)
  std::optional<TimePoint> date;       ///< the CA's clock when it answered
};

/// Asks the CA for one certificate, blocking. `renewal_info_url`: what its directory says; `ari_id`:
/// CertificateFacts::ari_id. Fault: not reachable, another status than 200, or an answer that cannot be used.
/// `retry_after`, if given, is set to what the answer said also when it is a Fault: a CA that is overloaded says so.
Result<RenewalInfo> fetch_renewal_info(const Ca& ca, const std::string& renewal_info_url, const std::string& ari_id,
                                       std::optional<Seconds>* retry_after = nullptr);

/// What the body of the answer says, without `retry_after` and `date`. Fault: not JSON, a member is missing or of
/// another type, a time is none (RFC 3339) or lies before 2000 or after 2200, or the window's end is not after its
/// start.
Result<RenewalInfo> parse_renewal_info(std::string_view body);

/// A Retry-After header (RFC 9110 §10.2.3): seconds or an HTTP date, which counts from `date`; brought within a minute
/// and a day. nullopt: neither of the two.
std::optional<Seconds> parse_retry_after(std::string_view text, TimePoint date);

/// A time as RFC 3339 writes it, with any fraction and offset; a leap second is the one before it. nullopt: not such a
/// time, or not between 2000 and 2200.
std::optional<TimePoint> parse_rfc3339(std::string_view text);

}  // namespace certherd::ca
