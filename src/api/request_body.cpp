#include "request_body.hpp"

#include <certherd/base/text.hpp>

#include <boost/json.hpp>

namespace certherd::api {

namespace json = boost::json;
using service::Request;

json::object body_of(const Request& request) {
  if (request.body.empty()) return {};
  json::error_code error;
  auto value = json::parse(request.body, error);
  if (error || !value.is_object())
    throw Refused{400, {"the body is no JSON object", "send an object as the documentation shows", {}}};
  return std::move(value.as_object());
}

bool flag(const json::object& object, const char* key) {
  const auto* found = object.if_contains(key);
  if (!found) return false;
  if (!found->is_bool()) throw Refused{400, {"'" + std::string(key) + "' is neither true nor false", "", {}}};
  return found->as_bool();
}

std::string text(const json::object& object, const char* key) {
  const auto* found = object.if_contains(key);
  if (!found || !found->is_string()) throw Refused{400, {"'" + std::string(key) + "' is missing or no text", "", {}}};
  return std::string(found->as_string());
}

Fault unknown_certificate(const std::string& name) {
  return {"there is no certificate '" + printable(name) + "' in the configuration in force",
          "'certherd list' names them; after an edit reload the service",
          {}};
}

}  // namespace certherd::api
