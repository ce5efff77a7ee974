#pragma once

#include <certherd/journal/journal.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/service/configuration.hpp>

#include <vector>

namespace certherd::service {

/// How long certbot is to wait for propagation, and why.
struct WaitPlan {
  Seconds seconds{0};
  Milliseconds not_ended_before{0};         ///< since its begin
  std::vector<renewal::Reasoning> because;  ///< empty: the configuration or the provider says it
};

/// What the Certificate's `propagation_seconds` says, then its Account's, then its provider's, each either a number or
/// `auto`, which is learned from the samples (renewal/learned_wait.hpp).
WaitPlan plan_wait(const Configuration& configuration, const Certificate& certificate,
                   const std::vector<WaitSample>& samples);

/// Whether the samples matter: where a number is configured and nobody ends the wait they do not.
bool learns_wait(const Configuration& configuration, const Certificate& certificate);

/// The samples for that, of the Certificate's Account. Blocks; throws Failed.
std::vector<WaitSample> wait_samples(journal::Journal& journal, const Certificate& certificate);

}  // namespace certherd::service
