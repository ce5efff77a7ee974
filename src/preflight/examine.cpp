#include "findings.hpp"

#include <certherd/base/text.hpp>
#include <certherd/preflight/caa.hpp>
#include <certherd/preflight/text.hpp>

#include <algorithm>

namespace certherd::preflight {
namespace {

using Topic = Finding::Topic;

/// Many servers of many addresses may disagree: the sentence stays readable, the facts have the rest.
constexpr std::size_t longest_sentence = 2000;

std::string ca_names(const Question& question) {
  return question.ca_identities.empty() ? question.ca : question.ca + " (" + join(question.ca_identities, ", ") + ")";
}

std::string quoted(const CaaVerdict& verdict, const CaaFacts& facts) {
  std::string text = list_text(verdict.records, 4);
  if (!facts.aliases.empty())
    text += ", reached from " + name_text(facts.asked) + " through " + list_text(facts.aliases);
  return text;
}

}  // namespace

void Findings::info(Topic topic, std::string_view seen) {
  add(Finding::Severity::info, topic, seen, "");
}

void Findings::warning(Topic topic, std::string_view seen, std::string_view fix) {
  add(Finding::Severity::warning, topic, seen, fix);
}

void Findings::blocking(Topic topic, std::string_view seen, std::string_view fix) {
  add(Finding::Severity::blocking, topic, seen, fix);
}

void Findings::blocking_if(bool certain, Topic topic, std::string_view seen, std::string_view fix) {
  add(certain ? Finding::Severity::blocking : Finding::Severity::warning, topic, seen, fix);
}

void Findings::add(Finding::Severity severity, Topic topic, std::string_view seen, std::string_view fix) {
  // Names, values and errors come from the network.
  const auto safe = [](std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return bounded(printable(line), longest_sentence);
  };
  list_.push_back({severity, topic, domain_, safe(seen), safe(fix)});
}

void examine_zone(const Question& question, Findings& findings) {
  using End = DomainFacts::ChainEnd;
  const auto& facts = question.facts;
  if (facts.chain_end == End::unknown)
    findings.warning(Topic::dns,
                     "could not find out where " + facts.challenge_name + " leads: DNS did not answer after " +
                         chain_text(facts) + "; nothing is blocked",
                     "See that this host's resolver and the servers of these zones answer.");
  if (facts.zone)
    findings.info(Topic::zone, facts.final_name + " lies in " + zone_text(*facts.zone));
  else if (facts.chain_end == End::nowhere && facts.chain.empty())
    findings.blocking(Topic::zone, facts.challenge_name + " lies in no zone that exists",
                      "Register the domain, or correct its delegation.");
  else if (facts.chain_end == End::whole)
    findings.warning(Topic::zone, "no zone was found that holds " + facts.final_name + "; nothing is blocked",
                     "See that the domain is registered and delegated to servers that answer.");
}

void examine_caa(const Question& question, Findings& findings) {
  const auto& facts = question.facts.caa;
  const auto& domain = question.facts.domain;
  const CaaVerdict verdict = judge_caa(facts, {domain, question.ca_identities, question.account_uri});
  const std::string records = verdict.records.empty() ? "" : ": " + quoted(verdict, facts);
  switch (verdict.says) {
    case CaaVerdict::Says::allowed:
      return findings.info(Topic::caa, "CAA allows " + ca_names(question) + ": " +
                                           (records.empty() ? verdict.why : quoted(verdict, facts)));
    case CaaVerdict::Says::forbidden:
      return findings.blocking(
          Topic::caa,
          "CAA forbids " + ca_names(question) + " to issue for " + domain + ", because " + verdict.why + records,
          verdict.fix);
    case CaaVerdict::Says::unsure:
      return findings.warning(
          Topic::caa,
          "CAA may forbid " + ca_names(question) + " to issue for " + domain + ", because " + verdict.why + records,
          verdict.fix);
    case CaaVerdict::Says::unknown:
      return findings.warning(Topic::caa,
                              "the CAA records of " + domain + " could not be looked up (" + verdict.why +
                                  "); a CA that cannot either refuses",
                              verdict.fix);
  }
}

std::vector<Finding> examine(const Question& question) {
  Findings findings(question.facts.domain);
  if (!question.facts.error.empty()) {
    findings.warning(Topic::dns, "could not ask DNS: " + question.facts.error + "; nothing is blocked",
                     "See that this host reaches the DNS servers that the configuration or the system names.");
    return findings.take();
  }
  examine_zone(question, findings);
  examine_servers(question, findings);
  examine_delegation(question, findings);
  examine_scope(question, findings);
  examine_caa(question, findings);
  examine_horizon(question, findings);
  return findings.take();
}

}  // namespace certherd::preflight
