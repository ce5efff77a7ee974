#pragma once

#include <certherd/base/result.hpp>

#include <filesystem>

#include <sys/types.h>

namespace certherd::os {

/// Whose something is.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

/// Of a file or directory itself, not of what a link leads to. Fault: there is none, or it cannot be looked at.
Result<Owner> owner_of(const std::filesystem::path& path);

/// Gives what belongs to root at `path` and below to somebody else, its group likewise where that is root's. Links are
/// not followed, files with more than one name left alone: whoever may write there must not get at files elsewhere.
/// What is missing is no fault; what cannot be given is one, after all the rest has been.
Result<void> give(const std::filesystem::path& path, Owner owner);

}  // namespace certherd::os
