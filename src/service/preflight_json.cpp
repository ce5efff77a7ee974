#include <certherd/service/json.hpp>
#include <certherd/service/preflight.hpp>

#include <boost/json.hpp>

namespace certherd::service {
namespace {

namespace json = boost::json;

json::object to_json(const ServerFacts& server) {
  return {{"name", server.name},
          {"address", text_or_null(server.address)},
          {"state", to_string(server.state)},
          {"error", text_or_null(server.error)},
          {"serial", server.serial ? json::value(*server.serial) : json::value(nullptr)}};
}

json::object to_json(const DomainFacts& facts) {
  json::array chain;
  for (const auto& hop : facts.chain)
    chain.push_back(json::object{{"name", hop.name},
                                 {"zone", text_or_null(hop.zone)},
                                 {"target", hop.target},
                                 {"dname", text_or_null(hop.dname)},
                                 {"wildcard", hop.wildcard}});
  json::array servers;
  if (facts.zone)
    for (const auto& server : facts.zone->servers) servers.push_back(to_json(server));
  return {{"domain", facts.domain},
          {"challenge_name", facts.challenge_name},
          {"chain", std::move(chain)},
          {"final_name", facts.final_name},
          {"zone", facts.zone ? json::value(facts.zone->name) : json::value(nullptr)},
          {"servers", std::move(servers)}};
}

}  // namespace

json::object to_json(const Finding& finding) {
  return {{"severity", to_string(finding.severity)},
          {"topic", to_string(finding.topic)},
          {"domain", finding.domain},
          {"seen", finding.seen},
          {"fix", text_or_null(finding.fix)}};
}

json::object to_json(const CertificateCheck& check) {
  json::array findings;
  for (const auto& finding : check.findings) findings.push_back(to_json(finding));
  json::array domains;
  for (const auto& facts : check.domains) domains.push_back(to_json(facts));
  const auto severity = worst(check.findings);
  return {{"certificate", check.certificate},
          {"severity", severity ? json::value(to_string(*severity)) : json::value(nullptr)},
          {"findings", std::move(findings)},
          {"domains", std::move(domains)}};
}

}  // namespace certherd::service
