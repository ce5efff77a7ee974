#include <certherd/renewal/clock.hpp>
#include <certherd/renewal/notices.hpp>

namespace certherd::renewal {
namespace {

constexpr std::chrono::hours daily{24};

bool failed_is_due(const CertificateState& before, const CertificateState& after, TimePoint now) {
  if (!after.failure_class) return false;
  if (!after.failed_told || before.failure_class != after.failure_class) return true;
  return now - *after.failed_told >= daily || *after.failed_told > now + clock_tolerance;
}

/// The smallest threshold that what is left of the certificate has passed.
std::optional<Seconds> passed(const CertificateFacts& facts, std::span<const Seconds> thresholds, TimePoint now) {
  std::optional<Seconds> smallest;
  for (const Seconds threshold : thresholds)
    if (threshold * 3 < facts.not_after - facts.not_before && facts.not_after - now <= threshold &&
        (!smallest || threshold < *smallest))
      smallest = threshold;
  return smallest;
}

}  // namespace

Notices notices(const CertificateState& before, const CertificateState& after,
                const std::optional<CertificateFacts>& published, std::span<const Seconds> thresholds, TimePoint now) {
  Notices result{{}, after, false};
  CertificateState& state = result.state;
  if (failed_is_due(before, after, now)) {
    result.fire.push_back(HookEvent::failed);
    state.failed_told = now;
  } else if (!after.failure_class && after.failed_told) {
    result.fire.push_back(HookEvent::recovered);
    state.failed_told.reset();
  }
  const auto threshold = published ? passed(*published, thresholds, now) : std::nullopt;
  const bool told = state.expiring_told && published && state.expiring_serial == published->serial;
  if (threshold && (!told || *threshold < *state.expiring_told)) {
    result.fire.push_back(HookEvent::expiring);
    state.expiring_told = threshold;
    state.expiring_serial = published->serial;
  }
  result.changed = !result.fire.empty();
  return result;
}

}  // namespace certherd::renewal
