#include "findings.hpp"

#include <certherd/base/text.hpp>
#include <certherd/preflight/text.hpp>

#include <algorithm>
#include <set>

namespace certherd::preflight {
namespace {

using Topic = Finding::Topic;

/// What the servers themselves say; a view agrees when it saw one of the sets that one of them gives.
struct Authoritative {
  std::string zone;
  std::set<std::string> primaries;
  std::set<std::vector<std::string>> ns_sets;
  std::set<std::string> txt;
  bool answers = false;
  bool on_this_host = true;  ///< all on loopback: a lab, or the name server's own host
};

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

/// "[2001:db8::1]:53" → "2001:db8::1".
std::string without_port(std::string_view address) {
  if (address.starts_with('[')) return std::string(address.substr(1, address.find(']') - 1));
  return std::string(address.substr(0, address.rfind(':')));
}

Authoritative authoritative(const ZoneFacts& zone) {
  Authoritative all;
  all.zone = zone.name;
  if (!zone.ns.empty()) all.ns_sets.insert(zone.ns);
  for (const auto& server : zone.servers) {
    if (!server.address.empty() && !is_loopback(without_port(server.address))) all.on_this_host = false;
    if (server.state != ServerFacts::State::answers) continue;
    all.answers = true;
    if (!server.primary.empty()) all.primaries.insert(server.primary);
    if (!server.ns.empty()) all.ns_sets.insert(server.ns);
    all.txt.insert(server.txt.begin(), server.txt.end());
  }
  return all;
}

std::vector<std::string> private_addresses(const ViewFacts& view, const Authoritative* all) {
  std::vector<std::string> found;
  for (const auto& address : view.addresses)
    if (is_private_address(address) && !(all && all->on_this_host && is_loopback(address))) found.push_back(address);
  return found;
}

/// What the view has otherwise than the servers; empty: they agree. A serial alone is propagation, not a horizon.
std::vector<std::string> differences(const ViewFacts& view, const Authoritative& all) {
  std::vector<std::string> found;
  if (!view.zone_found) return {"no zone at all"};
  if (view.zone != all.zone) found.push_back("zone " + name_text(view.zone));
  if (!view.primary.empty() && !all.primaries.empty() && !all.primaries.contains(view.primary))
    found.push_back("an SOA record of " + view.primary);
  if (!view.ns.empty() && !all.ns_sets.empty() && !all.ns_sets.contains(view.ns))
    found.push_back("the servers " + list_text(view.ns));
  return found;
}

std::string as_seen_by_servers(const ZoneFacts& zone) {
  return "the zone's own servers see " + zone_text(zone);
}

void tell_difference(const Question& question, const ViewFacts& view, std::vector<std::string> differs,
                     const std::vector<std::string>& hidden, Findings& findings) {
  const auto& facts = question.facts;
  if (!hidden.empty()) differs.push_back("servers at private addresses " + list_text(hidden));
  const std::string seen = "split horizon: " + view.resolver + " sees " + join(differs, ", ") + " for " +
                           facts.final_name + "; " + as_seen_by_servers(*facts.zone);
  if (view.system)
    findings.warning(Topic::horizon, seen + ", and so will a CA outside",
                     "See that the plugin writes to the zone that the public sees, and give certherd resolvers that "
                     "see what the CA sees.");
  else
    findings.warning(Topic::horizon, seen + "; the CA may see what the public resolver sees",
                     "Correct the public delegation of the domain, or wait until the public resolvers know a change; "
                     "for a domain that is internal only use a CA that sees the internal side.");
}

void tell_private(const Question& question, const ViewFacts& view, const std::vector<std::string>& hidden,
                  Findings& findings) {
  findings.warning(Topic::horizon,
                   "split horizon: for " + view.resolver + " the servers of " + question.facts.final_name +
                       " have private addresses (" + list_text(hidden) + "); a CA outside cannot reach them",
                   "Publish servers with public addresses for the zone, or use a CA that reaches these.");
}

void tell_cached(const Question& question, const ViewFacts& view, const Authoritative& all, Findings& findings) {
  const auto old = std::count_if(view.txt.begin(), view.txt.end(),
                                 [&](const std::string& value) { return !all.txt.contains(value); });
  if (old > 0)
    findings.info(Topic::horizon, view.resolver + " still shows " + std::to_string(old) +
                                      (old == 1 ? " TXT value" : " TXT values") + " at " + question.facts.final_name +
                                      " that none of the zone's servers holds");
}

}  // namespace

void examine_horizon(const Question& question, Findings& findings) {
  const auto& facts = question.facts;
  std::optional<Authoritative> all;
  if (facts.zone) all = authoritative(*facts.zone);
  if (all && !all->answers) all.reset();
  std::vector<std::string> agreeing;
  for (const auto& view : facts.views) {
    if (!view.error.empty()) {
      findings.info(Topic::horizon, view.resolver + " gave no answer: " + view.error);
      continue;
    }
    const auto hidden = private_addresses(view, all ? &*all : nullptr);
    const auto differs = all ? differences(view, *all) : std::vector<std::string>{};
    if (!differs.empty())
      tell_difference(question, view, differs, hidden, findings);
    else if (!hidden.empty())
      tell_private(question, view, hidden, findings);
    else if (all)
      agreeing.push_back(view.resolver);
    if (all && differs.empty()) tell_cached(question, view, *all, findings);
  }
  if (!agreeing.empty()) findings.info(Topic::horizon, "the same as the zone's own servers: " + list_text(agreeing));
}

}  // namespace certherd::preflight
