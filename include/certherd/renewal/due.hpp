#pragma once

#include <certherd/model/generation.hpp>
#include <certherd/model/settings.hpp>

#include <optional>
#include <string>
#include <vector>

namespace certherd::renewal {

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
};

/// When a certificate is to be renewed: at two thirds of its lifetime, at half of one shorter than ten days (as certbot
/// 4 and Let's Encrypt's integration guide have it).
TimePoint renewal_time(const CertificateFacts& facts);

/// What differs between a certificate and what the configuration wants ("domains added: …", "key changed from …");
/// empty when nothing does. `asked_for`: the domains that were ordered, if known: names that the CA added by itself
/// ("www.") are then no difference.
std::string difference(const CertificateFacts& facts, const Certificate& wanted,
                       const std::vector<std::string>& asked_for = {});

Decision decide(const Situation& situation);

}  // namespace certherd::renewal
