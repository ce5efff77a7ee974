#pragma once

#include <certherd/model/dns_facts.hpp>
#include <certherd/model/finding.hpp>
#include <certherd/model/scope_answer.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::preflight {

/// Of a Provider, what decides where its plugin writes.
struct ProviderTraits {
  std::string id;
  bool follows_cname = false;
  bool own_zone = false;  ///< it writes into a zone of its own: the account's zones are not about that
  bool single_txt = false;
};

/// An Account that could be used instead.
struct OtherAccount {
  std::string id;
  std::vector<std::string> zones;
};

/// All that the examination of one Domain needs.
struct Question {
  DomainFacts facts;
  std::string ca;                          ///< id, as it stands in the configuration
  std::vector<std::string> ca_identities;  ///< its issuer domain names; empty: it names none
  std::optional<std::string> account_uri;  ///< of the ACME account; absent: not registered yet
  std::string account;                     ///< id of the DNS account; empty: the provider needs none
  std::vector<std::string> account_zones;  ///< empty: not said
  std::vector<OtherAccount> other_accounts;
  ProviderTraits provider;
  std::optional<ScopeAnswer> scope_answer;  ///< absent: the provider was not asked
  /// Domains of the same Certificate whose challenge is answered at the same final name, this one left out.
  std::vector<std::string> same_place;
};

/// What the facts mean for an order, in the order dns, zone, servers, delegation, scope, caa, horizon. Blocking is only
/// what will certainly fail; each warning and each blocking Finding has a fix. Nothing of a Finding can break a
/// terminal.
std::vector<Finding> examine(const Question& question);

/// Where a plugin writes the TXT record, and the zone there as DNS has it.
struct Place {
  std::string name;
  std::string zone;  ///< empty: not known
};
/// `follows_cname`: the provider's.
Place place_of_writing(bool follows_cname, const DomainFacts& facts);

}  // namespace certherd::preflight
