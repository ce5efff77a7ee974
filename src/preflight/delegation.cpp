#include "findings.hpp"

#include <certherd/base/text.hpp>
#include <certherd/preflight/text.hpp>

#include <algorithm>
#include <set>

namespace certherd::preflight {
namespace {

using End = DomainFacts::ChainEnd;
using Topic = Finding::Topic;

/// More TXT values at one name make answers that some CAs' resolvers no longer take by UDP.
constexpr std::size_t most_txt_values = 8;

void examine_end(const DomainFacts& facts, Findings& findings) {
  const std::string chain = chain_text(facts);
  const bool certain = chain_is_certain(facts);
  const auto& last = facts.chain.back();
  if (facts.chain_end == End::whole) findings.info(Topic::delegation, "the challenge is delegated: " + chain);
  if (facts.chain_end == End::loop)
    findings.blocking_if(certain, Topic::delegation,
                         "the aliases of " + facts.challenge_name + " go in circles: " + chain,
                         "Remove the alias at " + last.name + ", or point it to the name where the record is written.");
  if (facts.chain_end == End::nowhere)
    findings.blocking_if(certain, Topic::delegation,
                         "the aliases of " + facts.challenge_name + " end at " + last.target +
                             ", which lies in no zone that exists: " + chain,
                         "Point the alias at " + last.name + " to a name in a zone that exists, or remove it.");
  if (facts.chain_end == End::too_long)
    findings.warning(Topic::delegation,
                     "more than " + std::to_string(DomainFacts::longest_chain) + " aliases lead on from " +
                         facts.challenge_name + ", and a CA may give up: " + chain,
                     "Point " + facts.challenge_name + " directly to the name where the record is written.");
}

void examine_wildcards(const Question& question, Findings& findings) {
  const auto& chain = question.facts.chain;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (!chain[i].wildcard) continue;
    std::string seen = "a wildcard CNAME swallows " + chain[i].name + ": it leads to " + chain[i].target +
                       ", as every name there does that has no records";
    if (i == 0 && writing_ends_the_wildcard(question))
      seen += "; once the plugin of " + question.provider.id +
              " has written at the name itself the wildcard no longer holds there, except in caches";
    else
      seen += "; the CA looks there as long as no record stands at the name itself";
    findings.warning(Topic::delegation, seen,
                     "Put a CNAME at " + chain[i].name + " itself, to the name where the record is to be written, or " +
                         "narrow the wildcard.");
  }
}

void examine_plugin(const Question& question, Findings& findings) {
  const auto& facts = question.facts;
  const bool leads_on = facts.chain_end == End::whole || facts.chain_end == End::too_long;
  if (question.provider.follows_cname || !leads_on || writing_ends_the_wildcard(question)) return;
  const auto& first = facts.chain.front();
  findings.warning(Topic::delegation,
                   "the plugin of " + question.provider.id + " does not follow CNAMEs: it writes at " +
                       facts.challenge_name + ", where " +
                       (first.dname.empty() ? "a CNAME stands" : "the DNAME at " + first.dname + " leads away") +
                       ", and the CA looks at " + facts.final_name,
                   "Use a provider whose plugin follows CNAMEs, or remove the alias of " + facts.challenge_name + ".");
}

void examine_leftovers(const Question& question, Findings& findings) {
  const auto& facts = question.facts;
  if (!facts.zone) return;
  std::set<std::string> values;
  for (const auto& server : facts.zone->servers) values.insert(server.txt.begin(), server.txt.end());
  if (values.empty()) return;
  const std::string seen = facts.final_name + " holds " + std::to_string(values.size()) +
                           (values.size() == 1 ? " TXT value" : " TXT values") + " already";
  if (values.size() <= most_txt_values)
    findings.info(Topic::delegation, seen);
  else
    findings.warning(Topic::delegation, seen + ": answers become too large for some CAs",
                     "Remove the TXT records at " + facts.final_name + " that earlier orders left behind.");
}

void examine_same_place(const Question& question, Findings& findings) {
  if (!question.provider.single_txt || question.same_place.empty()) return;
  findings.warning(Topic::delegation,
                   question.provider.id + " holds one TXT value for a name, and " + question.facts.final_name +
                       " has to answer for " + list_text(question.same_place) + " as well",
                   "Delegate each challenge to a name of its own, or take the domains into separate certificates.");
}

}  // namespace

bool writing_ends_the_wildcard(const Question& question) {
  const auto& chain = question.facts.chain;
  return !chain.empty() && chain.front().wildcard && !question.provider.follows_cname;
}

bool chain_is_certain(const DomainFacts& facts) {
  return std::none_of(facts.chain.begin(), facts.chain.end(), [](const AliasHop& hop) { return hop.wildcard; });
}

void examine_delegation(const Question& question, Findings& findings) {
  if (!question.facts.chain.empty()) {
    examine_end(question.facts, findings);
    examine_wildcards(question, findings);
    examine_plugin(question, findings);
  }
  examine_leftovers(question, findings);
  examine_same_place(question, findings);
}

}  // namespace certherd::preflight
