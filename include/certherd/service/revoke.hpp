#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/generation.hpp>
#include <certherd/model/run.hpp>
#include <certherd/service/observer.hpp>
#include <certherd/service/runner.hpp>

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace certherd::service {

/// How a revocation went.
struct RevokeOutcome {
  CertificateFacts facts;            ///< of the published certificate that was to be revoked
  std::string ca;                    ///< which CA was asked
  bool already_revoked = false;      ///< the CA knew of it before
  bool by_own_key = false;           ///< signed with the certificate's key, since our ACME account may not revoke it
  std::optional<Failure> failure;    ///< why it is not revoked
  std::filesystem::path transcript;  ///< what certbot said

  bool revoked() const { return !failure; }
};

/// Asks the CA to revoke the published certificate: that of the current Generation, whatever certbot's lineage holds.
/// The ACME account that certherd shares for this CA signs; where there is none, or the CA says that it may not (the
/// certificate was imported, or the account is a new one), the certificate's own private key does (RFC 8555 §7.6).
/// Never registers an account. The published files and certbot's lineage stay.
///
/// Writes one entry with the action "revoke" to the audit log, also of a revocation that failed; a log that cannot be
/// written is told through the observer. Nobody else may run certbot for this certificate meanwhile: certbot locks its
/// directories.
///
/// Faults, before anything was asked: a reason that certbot does not know (see certbot::revocation_reasons()), nothing
/// published, certbot's directories or the CA's ca_bundle cannot be used. What certbot or the CA refuses is in the
/// outcome. Throws Failed when our own directories cannot be written.
boost::asio::awaitable<Result<RevokeOutcome>> revoke_certificate(Host& host, const Certificate& certificate,
                                                                 std::string reason, Actor actor,
                                                                 RunObserver& observer);

}  // namespace certherd::service
