#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/generation.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/store/pem.hpp>

namespace certherd::store {

/// Whether these PEM files may be published for `wanted`, in place of `current` (nullptr: nothing is published yet).
/// Gives what the certificate says, or a Fault that names what was expected and what was seen:
///  - each file parses whole, cert.pem and privkey.pem hold one object each
///  - the private key belongs to the certificate
///  - each certificate of the chain issued the one before it, signatures checked; fullchain is cert and chain
///  - every wanted domain is among the dNSName entries, literally: "*.x" does not stand for "www.x". More names than
///    wanted are let through, since some CAs add "www."
///  - key type and size as wanted
///  - not expired and not in the future by this host's clock
///  - newer than `current`, see replaces()
Result<CertificateFacts> verify(const PemSet& pems, const Certificate& wanted, TimePoint now,
                                const CertificateFacts* current);

/// Whether a certificate may take the place of another: a later notBefore, or the same one and a different serial.
/// CAs backdate notBefore by an hour (Let's Encrypt) or to midnight (ZeroSSL), so that the first certificate of
/// another issuer may look up to a day older than what it replaces. And what is published may be older than the
/// candidate in every way and yet be replaced when it no longer has the domains or the key that are wanted.
bool replaces(const CertificateFacts& candidate, const CertificateFacts& current, const Certificate& wanted);

}  // namespace certherd::store
