#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/generation.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/store/pem.hpp>

#include <string>

namespace certherd::store {

/// Makes a verified set of PEM files the current Generation of a Certificate:
/// generations_dir()/<name>/<n> is written under another name, synced and renamed, then one rename of the symlink
/// store_dir/<name> makes it current. Whoever resolves that link once sees files of one Generation only; a crash at any
/// point leaves the old or the new one current, and what else it left is cleared by the next publish.
///
/// n is one more than the highest there. Files have their owner, group and mode before anyone can reach them;
/// privkey.pem is 0600 until its owner and group are set.
///
/// Faults, after which the old Generation is current and nothing of the new one is left: no space, read-only or
/// forbidden directories, an unknown owner or group, and a file or directory that stands where the link belongs (it is
/// never touched).
Result<Generation> publish(const Paths& paths, const Certificate& certificate, const PemSet& pems,
                           const CertificateFacts& facts);

inline constexpr int generations_kept = 5;
inline constexpr std::chrono::hours superseded_kept{24};

/// Removes Generations that nobody can need: neither current, nor among the newest `generations_kept`, nor superseded
/// less than `superseded_kept` before `now` (a reader that resolved the link earlier may still open them).
/// A Fault says what could not be removed; it is worth a warning, the publish before it stands.
Result<void> prune(const Paths& paths, const std::string& certificate, TimePoint now);

}  // namespace certherd::store
