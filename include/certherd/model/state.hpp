#pragma once

#include <certherd/base/time.hpp>
#include <certherd/model/failure.hpp>

#include <optional>
#include <string>

namespace certherd {

/// When the CA suggests to renew (ACME Renewal Information, RFC 9773 §4.2), and what certherd chose within it.
struct RenewalWindow {
  std::string ari_id;  ///< of the certificate that it is about (RFC 9773 §4.1); another one makes it void
  TimePoint start;
  TimePoint end;
  std::string explanation_url;  ///< where the CA says why; empty: it gave none
  TimePoint moment;             ///< the random moment within the window, kept across restarts
  TimePoint fetched;
  TimePoint next_check;  ///< not before: the CA's Retry-After is in it (RFC 9773 §4.3)
};

/// What is remembered of a Certificate between Runs, and across restarts.
struct CertificateState {
  std::string certificate;
  int failures = 0;                           ///< in a row
  std::optional<FailureClass> failure_class;  ///< of the last failure
  TimePoint failed_at;
  std::optional<TimePoint> retry_at;  ///< nullopt: not before something changes
  std::string fingerprint;            ///< of configuration, credentials and plugin at the last failure
  std::optional<RenewalWindow> window;
  std::optional<TimePoint> failed_told;  ///< when the `failed` hooks were last told of this failure
  std::optional<Seconds> expiring_told;  ///< the last threshold before the end that was told
  std::string expiring_serial;           ///< of the certificate that expiring_told is about
  std::string revoked_serial;            ///< of the certificate that the CA or an administrator revoked
  std::string profile;                   ///< ACME profile of the current certificate
};

/// A token bucket of a CA's rate limit, as it stood at a moment.
struct Bucket {
  std::string ca;
  std::string limit;  ///< which of the CA's limits
  std::string key;    ///< what it counts for: an account, a registered domain, a set of names
  double tokens = 0;
  TimePoint at;
};

}  // namespace certherd
