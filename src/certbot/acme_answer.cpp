#include "acme_answer.hpp"

#include <certherd/base/text.hpp>

#include <boost/json.hpp>

namespace certherd::certbot {
namespace json = boost::json;
namespace {

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

const json::object* object_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_object() : nullptr;
}

const json::array* array_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_array() : nullptr;
}

/// The identifier a problem names, or the first that its subproblems name (RFC 8555 §6.7.1).
std::string problem_domain(const json::object& object) {
  if (const auto* identifier = object_of(object, "identifier")) return text_of(*identifier, "value");
  if (const auto* parts = array_of(object, "subproblems")) {
    for (const auto& part : *parts)
      if (const auto* sub = part.if_object())
        if (const auto* identifier = object_of(*sub, "identifier")) return text_of(*identifier, "value");
  }
  return {};
}

Problem read_problem(const json::object& object) {
  Problem problem;
  problem.type = text_of(object, "type");
  problem.detail = text_of(object, "detail");
  problem.domain = problem_domain(object);
  if (const auto* status = object.if_contains("status"); status && status->is_int64())
    problem.status = static_cast<int>(status->as_int64());
  return problem;
}

OrderDocument read_order(const json::object& object) {
  OrderDocument order;
  order.status = text_of(object, "status");
  order.finalize = text_of(object, "finalize");
  if (const auto* identifiers = array_of(object, "identifiers"))
    for (const auto& entry : *identifiers)
      if (const auto* identifier = entry.if_object()) order.identifiers.push_back(text_of(*identifier, "value"));
  if (const auto* error = object_of(object, "error")) order.error = read_problem(*error);
  return order;
}

Authorization read_authorization(const json::object& object) {
  Authorization authorization;
  authorization.status = text_of(object, "status");
  if (const auto* identifier = object_of(object, "identifier")) authorization.domain = text_of(*identifier, "value");
  const auto* wildcard = object.if_contains("wildcard");
  authorization.wildcard = wildcard && wildcard->is_bool() && wildcard->as_bool();
  for (const auto& entry : *array_of(object, "challenges")) {
    const auto* challenge = entry.if_object();
    if (!challenge || text_of(*challenge, "type") != "dns-01") continue;
    authorization.challenge_url = text_of(*challenge, "url");
    authorization.token = text_of(*challenge, "token");
    if (const auto* error = object_of(*challenge, "error")) {
      authorization.problem = read_problem(*error);
      if (authorization.problem->domain.empty()) authorization.problem->domain = authorization.domain;
    }
  }
  return authorization;
}

void read_body(const json::object& object, AcmeAnswer& answer) {
  if (array_of(object, "challenges")) {
    answer.authorization = read_authorization(object);
  } else if (object.contains("finalize") && object.contains("authorizations")) {
    answer.order = read_order(object);
  } else if (object.contains("newOrder") && object.contains("newNonce")) {
    for (const auto& [name, value] : object)
      if (value.is_string()) answer.directory.emplace(std::string(name), std::string(value.as_string()));
  } else if (answer.status >= 400 && (object.contains("detail") || object.contains("type"))) {
    answer.problem = read_problem(object);
    if (answer.problem->status == 0) answer.problem->status = answer.status;
  }
}

}  // namespace

AcmeAnswer parse_answer(std::string_view message) {
  AcmeAnswer answer;
  const auto next_line = [&message]() -> std::string_view {
    const auto end = message.find('\n');
    const auto line = message.substr(0, end);
    message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
    return line;
  };
  next_line();  // "Received response:"
  const auto status_line = next_line();
  if (status_line.starts_with("HTTP "))
    answer.status = static_cast<int>(parse_number(status_line.substr(5)).value_or(0));
  while (!message.empty()) {
    const auto line = next_line();
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    answer.headers.emplace(to_lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
  }
  json::error_code error;
  const json::value body = json::parse({message.data(), message.size()}, error);
  if (!error && body.is_object()) read_body(body.as_object(), answer);
  return answer;
}

}  // namespace certherd::certbot
