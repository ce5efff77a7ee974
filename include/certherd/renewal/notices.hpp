#pragma once

#include <certherd/model/generation.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/model/state.hpp>

#include <optional>
#include <span>
#include <vector>

namespace certherd::renewal {

/// What is to be told now, and the state that remembers it. Save the state together with the HookJobs: then each is
/// told once.
struct Notices {
  std::vector<HookEvent> fire;  ///< of failed, recovered, expiring
  CertificateState state;
  bool changed = false;  ///< `state` is to be saved
};

/// Which notices are due. `before`: the state before the Run that just ended, or the same as `after` when none did:
/// called for every Certificate each minute or so, and after each Run. Not while the clock is in doubt.
///   failed     for the first failure, one of another class, and daily while it lasts
///   recovered  after a success, when `failed` had been told
///   expiring   when less than a threshold is left of what is published, once for each threshold and serial;
///              thresholds of a third of the lifetime or more are left out, since renewal is only tried then
Notices notices(const CertificateState& before, const CertificateState& after,
                const std::optional<CertificateFacts>& published, std::span<const Seconds> thresholds, TimePoint now);

}  // namespace certherd::renewal
