#include <certherd/service/json.hpp>
#include <certherd/service/report.hpp>

#include <boost/json.hpp>

#include "json_node.hpp"

namespace certherd::service {
namespace json = boost::json;

CertificateReport report(const Roster& roster, const Entry& entry, std::optional<Run> last, TimePoint now) {
  return {*entry.certificate, entry.current, roster.decide(entry, now), entry.state, std::move(last)};
}

void each_report(Roster& roster, std::vector<Run> last_runs, TimePoint now,
                 const std::function<void(const CertificateReport&)>& hear) {
  std::map<std::string, Run> last;
  for (auto& run : last_runs) last.emplace(run.certificate, std::move(run));
  for (const auto& certificate : roster.settings().certificates) {
    const Entry* entry = roster.find(certificate.name);
    if (!entry) continue;
    const auto run = last.find(certificate.name);
    hear(report(roster, *entry, run == last.end() ? std::nullopt : std::optional(std::move(run->second)), now));
  }
}

json::array to_json(const std::vector<renewal::Reasoning>& because) {
  json::array array;
  for (const auto& [fact, when] : because)
    array.push_back(
        json::object{{"fact", fact}, {"when", when ? json::value(format_utc(*when)) : json::value(nullptr)}});
  return array;
}

json::object to_json(const CertificateReport& report) {
  json::object object = to_json(report.certificate);
  const bool due = report.decision.action != renewal::Decision::Action::nothing;
  object["generation"] = nullptr;
  object["directory"] = nullptr;
  object["current"] = nullptr;
  object["renew_at"] = nullptr;
  object["last_run"] = nullptr;
  object["due"] = due;
  object["reason"] = report.decision.reason;
  object["because"] = to_json(report.decision.because);
  object["failures"] = report.state.failures;
  object["failure_class"] = nullptr;
  object["retry_at"] = nullptr;
  if (report.current) {
    object["generation"] = report.current->number;
    object["directory"] = report.current->directory;
    object["current"] = to_json(report.current->facts);
    object["renew_at"] = format_utc(report.decision.renew_at);
  }
  if (report.state.failure_class) object["failure_class"] = to_string(*report.state.failure_class);
  if (report.state.retry_at) object["retry_at"] = format_utc(*report.state.retry_at);
  if (report.last) object["last_run"] = to_json(*report.last);
  return object;
}

namespace {

std::vector<renewal::Reasoning> because_of(const JsonNode& node) {
  std::vector<renewal::Reasoning> because;
  for (const auto& item : node.items()) {
    const auto when = item["when"];
    because.push_back({item["fact"].text(), when.is_null() ? std::nullopt : std::optional(when.time())});
  }
  return because;
}

CertificateReport report_of(const JsonNode& node) {
  CertificateReport report;
  Certificate& certificate = report.certificate;
  certificate.name = node["name"].text();
  certificate.domains = texts_of(node["domains"]);
  certificate.provider = node["provider"].text();
  certificate.account = node["account"].text_or_empty();
  certificate.ca = node["ca"].text();
  certificate.hooks = texts_of(node["hooks"]);
  if (!node["current"].is_null()) {
    report.current = Generation{certificate.name, node["generation"].whole<int>(), node["directory"].text(),
                                facts_of(node["current"])};
    report.decision.renew_at = node["renew_at"].time();
  }
  report.decision.action =
      node["due"].boolean() ? renewal::Decision::Action::issue : renewal::Decision::Action::nothing;
  report.decision.reason = node["reason"].text();
  report.decision.because = because_of(node["because"]);
  report.state.certificate = certificate.name;
  report.state.failures = node["failures"].whole<int>();
  if (!node["failure_class"].is_null())
    report.state.failure_class = node["failure_class"].word(parse_failure_class, "FailureClass");
  if (!node["retry_at"].is_null()) report.state.retry_at = node["retry_at"].time();
  if (!node["last_run"].is_null()) report.last = run_of(node["last_run"]);
  return report;
}

}  // namespace

Result<CertificateReport> report_from_json(const json::value& value) {
  try {
    return report_of({value, "certificate"});
  } catch (const Failed& failed) {
    return failed.fault();
  }
}

Result<std::vector<renewal::Reasoning>> because_from_json(const json::value& value) {
  try {
    return because_of({value, "because"});
  } catch (const Failed& failed) {
    return failed.fault();
  }
}

}  // namespace certherd::service
