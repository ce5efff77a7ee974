#pragma once

#include <certherd/base/result.hpp>

#include <filesystem>

namespace certherd::store {

/// The certificates of a bundle of trust anchors as a directory in which OpenSSL looks up the few that it needs
/// (openssl-rehash(1)). A program that loads the bundle parses all of it, with some 140 public anchors 45 ms of CPU
/// time.
///
/// The directory lies in `root`, is named after the bundle's content and never changes: whoever uses it keeps what they
/// were given when the bundle has become another. One that a power cut or somebody has torn is made again. Faults: the
/// bundle is missing, empty, or holds anything but whole certificates, of which a directory might say something else;
/// `root` cannot be written.
Result<std::filesystem::path> anchor_directory(const std::filesystem::path& root, const std::filesystem::path& bundle);

/// Removes those in `root` that anchor_directory() has not returned for a week.
void sweep_anchor_directories(const std::filesystem::path& root);

}  // namespace certherd::store
