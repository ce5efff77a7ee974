#pragma once

#include <certherd/base/time.hpp>
#include <certherd/model/failure.hpp>

#include <optional>
#include <string>

namespace certherd {

/// When the CA would like a certificate to be renewed (ARI, RFC 9773 §4.2).
struct RenewalWindow {
  std::string ari_id;  ///< of the certificate it is about (CertificateFacts::ari_id)
  TimePoint start;
  TimePoint end;
  std::string explanation_url;  ///< the CA's page about a changed window; empty: none
  TimePoint moment;             ///< the random one inside, chosen once for each window
  TimePoint fetched;
  TimePoint next_check;
};

/// What certherd has to remember of a Certificate between two Runs and across restarts.
struct CertificateState {
  std::string certificate;
  int failures = 0;                           ///< one after the other, since the last success
  std::optional<FailureClass> failure_class;  ///< of the last one; absent: the last Run succeeded, or there was none
  TimePoint failed_at;
  std::optional<TimePoint> retry_at;
  /// What a failure of the configuration kind depends on: the certificate's configuration, its credentials, the
  /// plugin's version. As it was when the failure happened.
  std::string fingerprint;
  std::optional<RenewalWindow> window;
  std::optional<TimePoint> window_obeyed;  ///< when its window last had a certificate replaced long before its time
  std::optional<TimePoint> failed_told;    ///< when the last `failed` notice was sent; absent: none since the success
  std::optional<Seconds> expiring_told;    ///< smallest threshold that was told of the certificate `expiring_serial`
  std::string expiring_serial;
  std::string revoked_serial;  ///< certificate that is known to be revoked
  std::string profile;         ///< ACME profile of what is published
};

/// One token bucket of a CA's rate limits, as kept in the database.
struct Bucket {
  std::string ca;
  std::string limit;  ///< to_string(RateLimit::Kind), or "refused": see renewal/budget.hpp
  std::string key;    ///< ACME account, registered domain, set of names, or account and name
  double tokens = 0;
  TimePoint at;  ///< when it held them
};

}  // namespace certherd
