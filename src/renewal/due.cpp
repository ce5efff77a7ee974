#include <certherd/base/text.hpp>
#include <certherd/renewal/clock.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/renewal/window.hpp>

#include <algorithm>
#include <set>

namespace certherd::renewal {
namespace {

std::string wanted_key(const Certificate& wanted) {
  return wanted.key_type == KeyType::rsa ? "rsa " + std::to_string(wanted.rsa_key_size)
                                         : "ecdsa " + wanted.elliptic_curve;
}

std::vector<std::string> missing_from(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  const std::set<std::string> have(others.begin(), others.end());
  std::vector<std::string> missing;
  std::copy_if(names.begin(), names.end(), std::back_inserter(missing),
               [&](const std::string& name) { return !have.contains(name); });
  return missing;
}

/// Between two renewals that windows alone brought about.
constexpr std::chrono::hours window_pause{24};

bool revoked(const CertificateFacts& facts, const CertificateState* state) {
  return state && !state->revoked_serial.empty() && state->revoked_serial == facts.serial;
}

bool due(const CertificateFacts& facts, const Situation& situation) {
  return situation.now >= renewal_time(facts, situation.state, situation.now);
}

/// Worth publishing in place of what is there: what the configuration wants, valid, and younger.
bool saved_is_better(const Situation& situation) {
  const auto& saved = situation.saved;
  if (!saved || saved->not_after <= situation.now || revoked(*saved, situation.state) ||
      !difference(*saved, situation.wanted).empty())
    return false;
  const auto& published = situation.published;
  if (!published) return true;
  return saved->serial != published->serial &&
         (saved->not_before > published->not_before || !difference(*published, situation.wanted).empty() ||
          revoked(*published, situation.state));
}

std::string profile_name(const std::string& profile) {
  return profile.empty() ? "the CA's default" : profile;
}

/// Why a published certificate is to be replaced by a new order; empty: it is not.
std::string reason_to_issue(const CertificateFacts& published, const Situation& situation, TimePoint renew_at) {
  const TimePoint now = situation.now;
  if (published.not_after <= now) return "expired at " + format_utc_minutes(published.not_after);
  if (revoked(published, situation.state)) return "revoked";
  const Certificate& wanted = situation.wanted;
  if (auto change = difference(published, wanted, situation.published_for); !change.empty()) return change;
  if (!situation.published_ca.empty() && situation.published_ca != wanted.ca)
    return "CA changed from " + situation.published_ca + " to " + wanted.ca;
  if (situation.published_profile && *situation.published_profile != wanted.profile)
    return "profile changed from " + profile_name(*situation.published_profile) + " to " + profile_name(wanted.profile);
  const RenewalWindow* window = window_of(published, situation.state, now);
  if (now < renew_at) return {};
  // A window that passed while nobody could renew in it is in the past too, and no news.
  if (window && window_in_past(*window) && now < renewal_time(published))
    return "revoked or replaced by the CA: ARI window in the past";
  return (window && window->moment == renew_at ? "renewal time in the CA's window reached: "
                                               : "renewal time reached: ") +
         format_utc_minutes(renew_at);
}

}  // namespace

TimePoint renewal_time(const CertificateFacts& facts) {
  const auto lifetime = facts.not_after - facts.not_before;
  const double jitter = (unit_of(facts.serial) * 2 - 1) * 0.02 * static_cast<double>(lifetime.count());
  return facts.not_before + (short_lived(facts) ? lifetime / 2 : lifetime * 2 / 3) +
         TimePoint::duration(static_cast<TimePoint::rep>(jitter));
}

TimePoint latest_renewal(const CertificateFacts& facts) {
  return facts.not_before + (facts.not_after - facts.not_before) / 20 * 19;
}

TimePoint renewal_time(const CertificateFacts& facts, const CertificateState* state, TimePoint now) {
  if (revoked(facts, state)) return {};
  const RenewalWindow* window = window_of(facts, state, now);
  if (!window) return renewal_time(facts);
  // A CA that gives each new certificate a window in the past must not make us order for ever.
  const auto& obeyed = state->window_obeyed;
  const TimePoint earliest = obeyed && *obeyed <= now + clock_tolerance ? *obeyed + window_pause : TimePoint();
  return std::min(std::max(window->moment, earliest),
                  earliest > window->moment ? renewal_time(facts) : latest_renewal(facts));
}

std::string difference(const CertificateFacts& facts, const Certificate& wanted,
                       const std::vector<std::string>& asked_for) {
  const auto added = missing_from(wanted.domains, facts.domains);
  const auto removed = missing_from(asked_for.empty() ? facts.domains : asked_for, wanted.domains);
  std::vector<std::string> changes;
  if (!added.empty()) changes.push_back("domains added: " + join(added, ", "));
  if (!removed.empty()) changes.push_back("domains removed: " + join(removed, ", "));
  if (facts.key != wanted_key(wanted)) changes.push_back("key changed from " + facts.key + " to " + wanted_key(wanted));
  return join(changes, "; ");
}

Decision decide(const Situation& situation) {
  using Action = Decision::Action;
  Decision decision;
  const auto& published = situation.published;
  if (published) decision.renew_at = renewal_time(*published, situation.state, situation.now);

  if (situation.forced) {
    decision.action = Action::issue;
    decision.reason = "forced";
  } else if (saved_is_better(situation) && !due(*situation.saved, situation)) {
    decision.action = Action::publish;
    decision.reason = "certbot holds a newer certificate than the store";
  } else {
    decision.reason = published ? reason_to_issue(*published, situation, decision.renew_at) : "missing";
    decision.action = decision.reason.empty() ? Action::nothing : Action::issue;
    if (decision.reason.empty()) decision.reason = "valid until " + format_utc_minutes(published->not_after);
  }
  decision.force_renewal = decision.action == Action::issue && situation.saved.has_value();

  if (decision.action == Action::nothing)
    decision.look_again = decision.renew_at;
  else if (situation.state && !situation.forced)
    decision.held_until = held_until(*situation.state, situation.fingerprint, situation.now);
  if (decision.held_until) decision.look_again = *decision.held_until;
  if (situation.explain) decision.because = explain(situation, decision);
  return decision;
}

}  // namespace certherd::renewal
