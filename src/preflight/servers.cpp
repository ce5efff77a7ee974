#include "findings.hpp"

#include <certherd/base/text.hpp>
#include <certherd/preflight/text.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace certherd::preflight {
namespace {

using State = ServerFacts::State;
using Topic = Finding::Topic;

bool is_ipv6(const ServerFacts& server) {
  return server.address.starts_with('[');
}

std::string trouble_of(const ServerFacts& server) {
  switch (server.state) {
    case State::answers:
      return "answers";
    case State::lame:
      return "does not answer for the zone" + (server.error.empty() ? "" : ": " + server.error);
    case State::unreachable:
      return "cannot be reached" + (server.error.empty() ? "" : ": " + server.error);
    case State::no_address:
      return "has no address" + (server.error.empty() ? "" : ": " + server.error);
    case State::not_asked:
      return "was not asked";
  }
  return "";
}

std::string_view fix_of(State state) {
  if (state == State::lame) return "Load the zone on this server, or remove it from the zone's NS records.";
  if (state == State::no_address)
    return "Give the server an A or AAAA record, or remove it from the zone's NS records.";
  return "See that the server runs and that UDP and TCP port 53 are open to everybody.";
}

/// IPv4 answers and IPv6 nowhere: that is more likely this host than the servers.
bool without_ipv6(const ZoneFacts& zone) {
  bool ipv4_answers = false;
  for (const auto& server : zone.servers) {
    if (is_ipv6(server) && server.state != State::unreachable) return false;
    ipv4_answers = ipv4_answers || (!is_ipv6(server) && server.state == State::answers);
  }
  return ipv4_answers;
}

void examine_states(const ZoneFacts& zone, Findings& findings) {
  std::vector<std::string> no_ipv6;
  std::vector<std::string> not_asked;
  const bool skip_ipv6 = without_ipv6(zone);
  for (const auto& server : zone.servers) {
    if (server.state == State::answers) continue;
    if (server.state == State::not_asked)
      not_asked.push_back(server_text(server));
    else if (skip_ipv6 && is_ipv6(server))
      no_ipv6.push_back(server_text(server));
    else
      findings.warning(Topic::servers,
                       server_text(server) + ", a server of " + name_text(zone.name) + ", " + trouble_of(server),
                       fix_of(server.state));
  }
  if (!not_asked.empty())
    findings.info(Topic::servers, "the time was over before these servers of " + name_text(zone.name) +
                                      " were asked: " + list_text(not_asked) + "; this host or its resolvers are slow");
  if (!no_ipv6.empty())
    findings.info(Topic::servers, "no server of " + name_text(zone.name) + " was reached by IPv6 (" +
                                      list_text(no_ipv6) + "): this host may have none");
}

void examine_serials(const ZoneFacts& zone, Findings& findings) {
  std::map<std::uint32_t, std::vector<std::string>> holders;
  for (const auto& server : zone.servers)
    if (server.state == State::answers && server.serial) holders[*server.serial].push_back(server_text(server));
  if (holders.size() < 2) return;
  std::vector<std::string> parts;
  parts.reserve(holders.size());
  for (const auto& [serial, servers] : holders) parts.push_back(std::to_string(serial) + " at " + list_text(servers));
  findings.warning(
      Topic::servers,
      "the servers of " + name_text(zone.name) + " do not hold the same version; SOA serial " + join(parts, "; "),
      "See that zone transfers work; until they do, the wait for propagation must cover the slowest.");
}

std::vector<std::string> without(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  std::vector<std::string> rest;
  std::copy_if(names.begin(), names.end(), std::back_inserter(rest),
               [&](const std::string& name) { return std::find(others.begin(), others.end(), name) == others.end(); });
  return rest;
}

void examine_ns_sets(const ZoneFacts& zone, Findings& findings) {
  std::map<std::vector<std::string>, std::vector<std::string>> holders;
  for (const auto& server : zone.servers)
    if (server.state == State::answers && !server.ns.empty()) holders[server.ns].push_back(server_text(server));
  for (const auto& [ns, servers] : holders) {
    const auto missing = without(zone.ns, ns);
    const auto more = without(ns, zone.ns);
    if (zone.ns.empty() || (missing.empty() && more.empty())) continue;
    std::string seen = "the NS records of " + name_text(zone.name) + " at " + list_text(servers) +
                       " are not those that the resolver has";
    if (!missing.empty()) seen += "; missing: " + list_text(missing);
    if (!more.empty()) seen += "; only there: " + list_text(more);
    findings.warning(Topic::servers, seen,
                     "Make the NS records of the zone and its delegation in the parent the same.");
  }
}

void examine_names(const ZoneFacts& zone, Findings& findings) {
  std::set<std::string> seen;
  for (const auto& server : zone.servers) {
    if (server.state != State::answers || !seen.insert(server.name).second) continue;
    const auto does_not_name_it = [&](const ServerFacts& one) {
      return one.name != server.name || one.ns.empty() || !without({server.name}, one.ns).empty();
    };
    if (!zone.ns.empty() && !without({server.name}, zone.ns).empty())
      findings.warning(
          Topic::servers,
          server_text(server) + " answers for " + name_text(zone.name) + ", and the delegation does not name it",
          "Add it to the NS records of the zone and its parent, or take the zone off this server.");
    if (!server.ns.empty() && std::all_of(zone.servers.begin(), zone.servers.end(), does_not_name_it))
      findings.warning(Topic::servers,
                       server_text(server) + " answers for " + name_text(zone.name) +
                           ", and does not name itself in the zone's NS records",
                       "Add it to the zone's NS records, or remove it from the delegation.");
  }
}

}  // namespace

void examine_servers(const Question& question, Findings& findings) {
  if (!question.facts.zone) return;
  const ZoneFacts& zone = *question.facts.zone;
  const auto out_of_reach = [](const ServerFacts& server) {
    return server.state == State::unreachable || server.state == State::no_address;
  };
  if (!zone.servers.empty() && std::all_of(zone.servers.begin(), zone.servers.end(), out_of_reach)) {
    std::vector<std::string> troubles;
    for (const auto& server : zone.servers) troubles.push_back(server_text(server) + " " + trouble_of(server));
    findings.warning(Topic::servers,
                     "no server of " + name_text(zone.name) +
                         " can be reached from here; nothing is blocked: " + list_text(troubles),
                     "See that this host may send DNS questions to these servers, and that they run.");
    return;
  }
  examine_states(zone, findings);
  examine_serials(zone, findings);
  examine_ns_sets(zone, findings);
  examine_names(zone, findings);
}

}  // namespace certherd::preflight
