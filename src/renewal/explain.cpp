#include <certherd/base/text.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/renewal/window.hpp>

#include <cstdio>

namespace certherd::renewal {
namespace {

using Chain = std::vector<Reasoning>;

/// "90 days", "6 days 16 h", "12 h": lifetimes are told to people in days.
std::string lifetime_text(TimePoint::duration lifetime) {
  const auto hours = std::chrono::round<std::chrono::hours>(lifetime).count();
  if (hours < 48) return std::to_string(hours) + " h";
  const std::string days = std::to_string(hours / 24) + " days";
  return hours % 24 == 0 ? days : days + " " + std::to_string(hours % 24) + " h";
}

std::string percent(double fraction) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%+.1f %%", fraction * 100);
  return text;
}

void explain_rule(Chain& chain, const CertificateFacts& facts) {
  const bool half = short_lived(facts);
  const auto lifetime = facts.not_after - facts.not_before;
  const TimePoint planned = facts.not_before + (half ? lifetime / 2 : lifetime * 2 / 3);
  chain.push_back({half ? "rule: renewed at half of the lifetime, since it is shorter than 10 days"
                        : "rule: renewed at 2/3 of the lifetime",
                   planned});
  chain.push_back(
      {"jitter of this certificate: " + percent((unit_of(facts.serial) * 2 - 1) * 0.02) + " of the lifetime",
       renewal_time(facts)});
}

void explain_window(Chain& chain, const CertificateFacts& facts, const Situation& situation) {
  const CertificateState* state = situation.state;
  if (facts.ari_id.empty()) {
    chain.push_back({"the CA cannot be asked for a renewal window: the certificate names no issuer key", {}});
    return;
  }
  const RenewalWindow* window = window_of(facts, state, situation.now);
  if (!window) {
    const bool future = state && state->window && state->window->ari_id == facts.ari_id;
    chain.push_back({future ? "the window that the CA suggested is not believed: it was noted in the future, so the "
                              "clock was stepped back since"
                            : "the CA has suggested no renewal window for this certificate",
                     {}});
    return;
  }
  chain.push_back({"the CA suggests a window (ARI) that begins", window->start});
  chain.push_back({"and ends", window->end});
  if (!window->explanation_url.empty()) chain.push_back({"the CA explains it at " + window->explanation_url, {}});
  const TimePoint latest = latest_renewal(facts);
  if (window_in_past(*window))
    chain.push_back(
        {"that is in the past: revoked or to be replaced, so it is due at once, yet not more than once a day",
         state->window_obeyed});
  else if (window->moment > latest)
    chain.push_back({"it is ignored in the last 5 % of the lifetime, which begin", latest});
  else
    chain.push_back({"the moment chosen in it, in place of the rule's", window->moment});
  chain.push_back({"the CA is asked again", window->next_check});
}

void explain_failure(Chain& chain, const CertificateState& state) {
  if (!state.failure_class) return;
  const auto& known = traits(*state.failure_class);
  std::string fact = "the last Run failed: " + std::string(known.name) + " (" + std::string(known.meaning) + ")";
  if (state.failures > 1) fact += ", " + std::to_string(state.failures) + " times in a row";
  chain.push_back({std::move(fact), state.failed_at});
  if (state.retry_at) {
    const bool daily = retry_kind(*state.failure_class) == RetryKind::configuration;
    chain.push_back({daily ? "tried again daily, or at once when the configuration, the credentials or the plugin "
                             "change; next"
                           : "tried again",
                     *state.retry_at});
  }
}

void explain_outcome(Chain& chain, const Decision& decision) {
  using Action = Decision::Action;
  if (decision.action == Action::nothing) {
    chain.push_back({"so it is renewed", decision.renew_at});
    return;
  }
  chain.push_back({decision.action == Action::publish
                       ? "so what certbot holds is published, without a new order: " + decision.reason
                       : "so it is due: " + decision.reason,
                   {}});
  if (decision.held_until) chain.push_back({"and waits because of the failure until", *decision.held_until});
}

}  // namespace

std::vector<Reasoning> explain(const Situation& situation, const Decision& decision) {
  Chain chain;
  if (const auto& published = situation.published) {
    chain.push_back({"published: serial " + published->serial + " by " + published->issuer + ", valid from",
                     published->not_before});
    chain.push_back({"valid until", published->not_after});
    chain.push_back({"lifetime: " + lifetime_text(published->not_after - published->not_before), {}});
    explain_rule(chain, *published);
    explain_window(chain, *published, situation);
  } else {
    chain.push_back({"nothing is published", {}});
  }
  if (situation.saved && (!situation.published || situation.saved->serial != situation.published->serial))
    chain.push_back({"certbot holds another certificate, serial " + situation.saved->serial + ", valid until",
                     situation.saved->not_after});
  if (situation.state) explain_failure(chain, *situation.state);
  explain_outcome(chain, decision);
  return chain;
}

}  // namespace certherd::renewal
