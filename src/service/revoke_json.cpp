#include <certherd/service/events.hpp>
#include <certherd/service/json.hpp>
#include <certherd/service/revoke.hpp>

#include <boost/json.hpp>

#include "json_node.hpp"

namespace certherd::service {
namespace {

RevokeOutcome outcome_of(const JsonNode& node) {
  RevokeOutcome outcome;
  outcome.certificate = node["certificate"].text();
  outcome.serial = node["serial"].text();
  outcome.not_after = node["not_after"].time();
  outcome.ca = node["ca"].text();
  outcome.already_revoked = node["already_revoked"].boolean();
  outcome.by_own_key = node["by_own_key"].boolean();
  outcome.failure = node["failure"].optional(failure_of);
  outcome.transcript = node["transcript"].text();
  return outcome;
}

}  // namespace

json::object to_json(const RevokeOutcome& outcome) {
  return {{"certificate", outcome.certificate},
          {"serial", outcome.serial},
          {"not_after", format_utc(outcome.not_after)},
          {"ca", outcome.ca},
          {"revoked", outcome.revoked()},
          {"already_revoked", outcome.already_revoked},
          {"by_own_key", outcome.by_own_key},
          {"failure", to_json(outcome.failure)},
          {"transcript", outcome.transcript.string()}};
}

std::string revoked_line(const Result<RevokeOutcome>& outcome) {
  if (outcome) return json::serialize(json::object{{"event", "revoked"}, {"outcome", to_json(*outcome)}});
  const Fault& fault = outcome.fault();
  return json::serialize(json::object{{"event", "error"}, {"error", fault.message}, {"fix", fault.fix}});
}

Result<std::optional<RevokeOutcome>> replay_revocation(const std::string& line, RunObserver& observer) {
  json::error_code error;
  const json::value value = json::parse(line, error);
  const json::value* const event = !error && value.is_object() ? value.as_object().if_contains("event") : nullptr;
  if (!event || *event != "revoked") {
    const auto said = replay(line, observer);
    if (!said) return said.fault();
    return std::optional<RevokeOutcome>();
  }
  try {
    return std::optional(outcome_of(JsonNode{value, "answer"}["outcome"]));
  } catch (const Failed& failed) {
    return failed.fault();
  }
}

}  // namespace certherd::service
