#include "findings.hpp"

#include <certherd/base/text.hpp>
#include <certherd/model/zones.hpp>
#include <certherd/preflight/text.hpp>

#include <algorithm>

namespace certherd::preflight {
namespace {

using End = DomainFacts::ChainEnd;
using Topic = Finding::Topic;

/// The account whose zone covers the name most closely.
const OtherAccount* fitting(const std::vector<OtherAccount>& accounts, std::string_view name, std::string& by) {
  const OtherAccount* best = nullptr;
  for (const auto& account : accounts) {
    const auto zone = most_specific_zone(account.zones, name);
    if (!zone || (best && zone->size() <= by.size())) continue;
    best = &account;
    by = *zone;
  }
  return best;
}

std::string use_of_other(const Question& question, const std::string& name, const std::string& otherwise) {
  std::string by;
  const auto* other = fitting(question.other_accounts, name, by);
  return other ? "Use account " + other->id + ", whose zone " + by + " covers it." : otherwise;
}

void examine_listed_zones(const Question& question, const Place& place, Findings& findings) {
  const ScopeAnswer& answer = *question.scope_answer;
  const std::string account = "account " + question.account;
  const std::string listed =
      answer.zones.empty() ? "no zone at all"
                           : "only " + std::to_string(answer.zones.size()) + " zones: " + list_text(answer.zones, 10);
  const auto covering = most_specific_zone(answer.zones, place.name);
  if (!covering)
    return findings.blocking_if(
        answer.whole, Topic::scope,
        answer.who + " shows " + account + " " + listed + "; none of them holds " + place.name,
        use_of_other(question, place.name,
                     "Use credentials that may edit " + (place.zone.empty() ? "its zone" : place.zone) + "."));
  if (!place.zone.empty() && place.zone != *covering && zone_covers(*covering, place.zone))
    return findings.warning(Topic::scope,
                            answer.who + " shows " + account + " the zone " + *covering + ", but " + place.name +
                                " lies in " + place.zone +
                                ", which it does not show: what is written there may be seen by nobody",
                            use_of_other(question, place.name, "Use credentials that may edit " + place.zone + "."));
  findings.info(Topic::scope, answer.who + " shows " + account + " the zone " + *covering);
}

/// What the provider itself says.
void examine_answer(const Question& question, Findings& findings) {
  using Says = ScopeAnswer::Says;
  if (!question.scope_answer) return;
  const ScopeAnswer& answer = *question.scope_answer;
  const Place place = place_of_writing(question.provider.follows_cname, question.facts);
  switch (answer.says) {
    case Says::no_question:
      return findings.info(Topic::scope, "provider " + question.provider.id + " was not asked what account " +
                                             question.account + " may do: the plugins-map knows no way to");
    case Says::unusable:
      return findings.blocking(Topic::scope, answer.answer,
                               "Correct the credentials of account " + question.account + ".");
    case Says::nothing:
      return findings.warning(Topic::scope,
                              "could not ask whether account " + question.account + " may write " + place.name + ": " +
                                  answer.who + ": " + answer.answer + "; nothing is blocked",
                              "See that this host reaches the provider.");
    case Says::allowed:
      return findings.info(Topic::scope, answer.who + " may write " + place.name);
    case Says::refused:
      return findings.blocking(
          Topic::scope, answer.who + " may not write " + place.name + ": " + answer.answer,
          use_of_other(question, place.name,
                       "Allow it there (BIND: update-policy or allow-update of the zone), or use other credentials."));
    case Says::bad_credentials:
      return findings.blocking(
          Topic::scope,
          answer.who + " does not take the credentials of account " + question.account + ": " + answer.answer,
          answer.answer.find("BADTIME") == std::string::npos
              ? "Correct the credentials of account " + question.account + "."
              : "Set the clock of this host or of that server right.");
    case Says::zones:
      return examine_listed_zones(question, place, findings);
  }
}

void examine_configured_zones(const Question& question, Findings& findings) {
  const auto& facts = question.facts;
  if (question.account_zones.empty() || question.provider.own_zone || !facts.zone || facts.chain_end != End::whole)
    return;
  const bool at_challenge = writing_ends_the_wildcard(question);
  const std::string& name = at_challenge ? facts.challenge_name : facts.final_name;
  const std::string& zone = at_challenge ? facts.chain.front().zone : facts.zone->name;
  if (const auto covering = most_specific_zone(question.account_zones, name)) {
    if (zone != *covering && zone_covers(*covering, zone))
      findings.info(Topic::scope, name + " lies in zone " + zone + ", below " + *covering + ", which account " +
                                      question.account + " names: the account has to be able to edit " + zone);
    return;
  }
  const std::string where = zone.empty() ? "" : " (zone " + zone + ")";
  std::string by;
  const auto* other = fitting(question.other_accounts, name, by);
  findings.blocking_if(
      chain_is_certain(facts), Topic::scope,
      "no zone of account " + question.account + " (" + list_text(question.account_zones) + ") covers " + name + where,
      other ? "Use account " + other->id + ", whose zone " + by + " covers it."
            : "Add " + (zone.empty() ? "its zone" : zone) + " to the zones of account " + question.account +
                  " if it may edit it, or use an account that may.");
}

}  // namespace

Place place_of_writing(bool follows_cname, const DomainFacts& facts) {
  if (follows_cname || facts.chain.empty()) return {facts.final_name, facts.zone ? facts.zone->name : std::string()};
  return {facts.challenge_name, facts.chain.front().zone};
}

void examine_scope(const Question& question, Findings& findings) {
  examine_configured_zones(question, findings);
  examine_answer(question, findings);
}

}  // namespace certherd::preflight
