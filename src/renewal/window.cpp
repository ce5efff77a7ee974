#include <certherd/renewal/clock.hpp>
#include <certherd/renewal/window.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace certherd::renewal {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

/// Without a Retry-After: what Let's Encrypt asks for with it.
constexpr hours usual_interval{6};
constexpr hours longest_interval{12};
constexpr minutes shortest_interval{1};

TimePoint::duration part(TimePoint::duration whole, double fraction) {
  return TimePoint::duration(static_cast<TimePoint::rep>(static_cast<double>(whole.count()) * fraction));
}

}  // namespace

double unit_of(const std::string& text) {
  // FNV-1a, then the finalizer of splitmix64: serials differ in few bits, and every bit must count.
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
  hash ^= hash >> 31U;
  return static_cast<double>(hash >> 11U) * 0x1.0p-53;
}

bool short_lived(const CertificateFacts& facts) {
  return facts.not_after - facts.not_before < std::chrono::days(10);
}

TimePoint choose_moment(TimePoint start, TimePoint end, double random01) {
  if (end <= start) return start;
  return start + part(end - start, std::clamp(random01, 0.0, 1.0));
}

bool believable(const RenewalWindow& window, TimePoint now) {
  return window.start < window.end && window.moment >= window.start && window.moment <= window.end &&
         window.fetched <= now + clock_tolerance;
}

const RenewalWindow* window_of(const CertificateFacts& facts, const CertificateState* state, TimePoint now) {
  if (!state || !state->window || facts.ari_id.empty() || state->window->ari_id != facts.ari_id) return nullptr;
  return believable(*state->window, now) ? &*state->window : nullptr;
}

bool window_in_past(const RenewalWindow& window) {
  return window.end <= window.fetched;
}

TimePoint next_ari_check(const CertificateFacts& facts, const std::optional<RenewalWindow>& window, TimePoint now,
                         std::optional<Seconds> retry_after) {
  // Compared before it is added: a Retry-After can be any number.
  const TimePoint::duration asked = std::min<Seconds>(retry_after.value_or(usual_interval), longest_interval);
  TimePoint next = now + asked;
  if (window && window->start < window->end && short_lived(facts) && now < window->end) {
    if (now < window->start)
      next = std::min(next, window->start);
    else
      next = std::min(next, now + (window->end - window->start) / 4);
  }
  return std::max(next, now + shortest_interval);
}

bool ari_check_due(const CertificateFacts& facts, const CertificateState* state, TimePoint now) {
  if (facts.ari_id.empty()) return false;
  const RenewalWindow* window = window_of(facts, state, now);
  return !window || window->next_check <= now;
}

}  // namespace certherd::renewal
