#pragma once

#include <certherd/model/run.hpp>
#include <certherd/model/settings.hpp>

#include <map>
#include <string>
#include <vector>

namespace certherd::hooks {

/// The Hooks of a Certificate that want the event, in the order of the certificate's list. A name that is no Hook
/// (any more) is passed over.
std::vector<const Hook*> hooks_for(HookEvent event, const Certificate& certificate,
                                   const std::map<std::string, Hook>& hooks);

/// The HookJobs that the event makes owed, in the same order; positions count from `first`.
std::vector<HookJob> jobs_for(HookEvent event, const Certificate& certificate, const std::map<std::string, Hook>& hooks,
                              const std::string& run, int first = 0);

}  // namespace certherd::hooks
