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

namespace boost::json {
class object;
}  // namespace boost::json

namespace certherd::service {

/// A wish to have the published certificate of a Certificate revoked.
struct Revocation {
  std::string certificate;
  std::string reason;  ///< one of certbot::revocation_reasons()
  Actor actor;
};

/// How a revocation went.
struct RevokeOutcome {
  std::string certificate;
  std::string serial;                ///< of the published certificate that was to be revoked
  TimePoint not_after;               ///< likewise
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
/// Never registers an account. The published files and certbot's lineage stay. A transient failure is followed by one
/// more try at once, as within a Run.
///
/// Writes one entry with the action "revoke" to the audit log, also of a revocation that failed; a log that cannot be
/// written is told through the observer. Nobody else may run certbot for this certificate meanwhile: certbot locks its
/// directories (see Supervisor::revoke). `certificate`: of the Host's configuration; `issued_by`: the CA that issued
/// what is published, empty when unknown.
///
/// Faults, before anything was asked: a reason that certbot does not know (see certbot::revocation_reasons()), nothing
/// published, no certbot, certbot's directories or the CA's ca_bundle cannot be used. What certbot or the CA refuses is
/// in the outcome. Throws Failed when our own directories cannot be written.
boost::asio::awaitable<Result<RevokeOutcome>> revoke_certificate(Host host, const Certificate& certificate,
                                                                 std::string issued_by, Revocation wanted,
                                                                 RunObserver& observer);

boost::json::object to_json(const RevokeOutcome& outcome);

/// The last line of a revocation that is watched from another process, {"event":"revoked","outcome":{…}}, whether or
/// not it succeeded, or {"event":"error","error":…,"fix":…} for a Fault. Before it come lines of EventWriter.
std::string revoked_line(const Result<RevokeOutcome>& outcome);

/// Tells the observer what a line says; for revoked_line() gives the outcome instead. Fault: the one that the line
/// tells, or the line is none of them, as from a service of another version.
Result<std::optional<RevokeOutcome>> replay_revocation(const std::string& line, RunObserver& observer);

}  // namespace certherd::service
