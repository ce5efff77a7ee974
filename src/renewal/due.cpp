#include <certherd/base/text.hpp>
#include <certherd/renewal/due.hpp>

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

/// Worth publishing in place of what is there: what the configuration wants, valid, and younger.
bool saved_is_better(const Situation& situation) {
  const auto& saved = situation.saved;
  if (!saved || saved->not_after <= situation.now || !difference(*saved, situation.wanted).empty()) return false;
  const auto& published = situation.published;
  if (!published) return true;
  return saved->serial != published->serial &&
         (saved->not_before > published->not_before || !difference(*published, situation.wanted).empty());
}

}  // namespace

TimePoint renewal_time(const CertificateFacts& facts) {
  const auto lifetime = facts.not_after - facts.not_before;
  const bool short_lived = lifetime < std::chrono::days(10);
  return facts.not_before + (short_lived ? lifetime / 2 : lifetime * 2 / 3);
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
  if (situation.published) decision.renew_at = renewal_time(*situation.published);
  const auto due = [&](const CertificateFacts& facts) { return situation.now >= renewal_time(facts); };
  if (!situation.forced && saved_is_better(situation) && !due(*situation.saved)) {
    decision.action = Action::publish;
    decision.reason = "certbot holds a newer certificate than the store";
    return decision;
  }

  decision.action = Action::issue;
  decision.force_renewal = situation.saved.has_value();
  const auto& published = situation.published;
  if (situation.forced) {
    decision.reason = "forced";
  } else if (!published) {
    decision.reason = "missing";
  } else if (published->not_after <= situation.now) {
    decision.reason = "expired at " + format_utc_minutes(published->not_after);
  } else if (const auto change = difference(*published, situation.wanted, situation.published_for); !change.empty()) {
    decision.reason = change;
  } else if (!situation.published_ca.empty() && situation.published_ca != situation.wanted.ca) {
    decision.reason = "CA changed from " + situation.published_ca + " to " + situation.wanted.ca;
  } else if (due(*published)) {
    decision.reason = "renewal time reached: " + format_utc_minutes(decision.renew_at);
  } else {
    decision.action = Action::nothing;
    decision.reason = "valid until " + format_utc_minutes(published->not_after);
    decision.force_renewal = false;
  }
  return decision;
}

}  // namespace certherd::renewal
