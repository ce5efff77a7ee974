#pragma once

#include <certherd/model/generation.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/model/state.hpp>

#include <optional>
#include <string>
#include <vector>

namespace certherd::renewal {

/// One step of the reasoning, for `certherd why`: "renewal is planned at 2/3 of that", and the date it speaks of.
struct Reasoning {
  std::string fact;
  std::optional<TimePoint> when;
};

/// What is to be done for a Certificate, and why.
struct Decision {
  enum class Action {
    nothing,  ///< valid, and its renewal time has not come
    publish,  ///< certbot holds a newer certificate than the store: no new order is needed
    issue     ///< a new order
  };
  Action action = Action::nothing;
  std::string reason;  ///< for people and the audit log: "missing", "renewal time reached", "domains changed" …
  TimePoint renew_at;  ///< of the certificate that is published; epoch when there is none
  bool force_renewal = false;  ///< certbot would keep its certificate unless told otherwise
  /// Something is to be done, yet not before then: a failure is being waited out. A forced Run does not wait.
  std::optional<TimePoint> held_until;
  /// While nothing else changes, the decision stays as it is until then; epoch: it is to be acted upon now.
  TimePoint look_again;
  std::vector<Reasoning> because;  ///< the whole chain, when Situation::explain asked for it
};

/// Everything the decision depends on.
struct Situation {
  const Certificate& wanted;
  std::optional<CertificateFacts> published;  ///< in the store
  std::optional<CertificateFacts> saved;      ///< in certbot's lineage
  std::string published_ca;                   ///< CA that issued what is published, empty when unknown
  std::vector<std::string> published_for;     ///< domains that were asked for then, empty when unknown
  TimePoint now;
  bool forced = false;
  const CertificateState* state = nullptr;         ///< nullptr: nothing is remembered
  std::optional<std::string> published_profile{};  ///< absent: unknown; empty: none was asked for
  std::string fingerprint{};                       ///< as it is now; see CertificateState::fingerprint
  bool explain = false;                            ///< fill Decision::because
};

/// When a certificate is to be renewed: at two thirds of its lifetime, at half of one shorter than ten days (as certbot
/// 4 and Let's Encrypt's integration guide have it), earlier or later by up to 2 % of the lifetime. That jitter follows
/// from the serial: certificates that were issued together are not renewed together, and each keeps its time.
TimePoint renewal_time(const CertificateFacts& facts);

/// The same, or the moment chosen in the window that the CA suggests (ARI), where one is known and believable; never
/// later than latest_renewal(). Epoch when it is known to be revoked. A window in the past, by which the CA says that
/// it is revoked or must be replaced, is due at once, yet brings about one renewal a day at most: a CA that gives such
/// windows to every new certificate is out of order.
TimePoint renewal_time(const CertificateFacts& facts, const CertificateState* state, TimePoint now);

/// 95 % of the lifetime: from then on no window is waited for.
TimePoint latest_renewal(const CertificateFacts& facts);

/// What differs between a certificate and what the configuration wants ("domains added: …", "key changed from …");
/// empty when nothing does. `asked_for`: the domains that were ordered, if known: names that the CA added by itself
/// ("www.") are then no difference.
std::string difference(const CertificateFacts& facts, const Certificate& wanted,
                       const std::vector<std::string>& asked_for = {});

Decision decide(const Situation& situation);

/// The chain of reasoning behind a decision: what is published and for how long, the rule and its jitter, the CA's
/// window and the moment in it, the last failure, what is being waited for and what follows.
std::vector<Reasoning> explain(const Situation& situation, const Decision& decision);

}  // namespace certherd::renewal
