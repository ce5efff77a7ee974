#include "ask.hpp"

#include <certherd/base/text.hpp>

#include <boost/json/parse.hpp>

namespace certherd::ca {
namespace {

constexpr std::size_t body_limit = 256 * 1024;

std::string about(const Ca& ca, const std::string& what) {
  return what + " of CA '" + ca.id + "'";
}

}  // namespace

Result<os::HttpResponse> ask(const Ca& ca, const std::string& what, const std::string& url, Seconds patience) {
  os::HttpRequest request;
  request.timeout = patience;
  request.url = url;
  request.headers["Accept"] = "application/json";
  request.ca_bundle = ca.ca_bundle;
  request.response_limit = body_limit + 1;
  auto response = os::http_exchange(request);
  if (!response) return Fault{about(ca, what) + ": " + response.fault().message, response.fault().fix, {}};
  if (response->body.size() > body_limit)
    return Fault{about(ca, what) + " is longer than " + std::to_string(body_limit / 1024) + " KiB", {}, {}};
  return response;
}

Fault status_fault(const Ca& ca, const std::string& what, const os::HttpResponse& response) {
  constexpr std::size_t shown = 300;
  const auto problem = parse_object(response.body, what);
  const auto detail = problem ? text_of(*problem, "detail") : std::nullopt;
  std::string message = about(ca, what) + ": the answer has HTTP status " + std::to_string(response.status);
  if (detail) message += ": " + bounded(printable(*detail), shown);
  return {message, {}, {}};
}

std::optional<TimePoint> date_of(const os::HttpResponse& response) {
  const auto date = response.headers.find("date");
  return date == response.headers.end() ? std::nullopt : parse_http_date(date->second);
}

Result<boost::json::object> parse_object(std::string_view body, const std::string& what) {
  boost::system::error_code error;
  auto value = boost::json::parse({body.data(), body.size()}, error);
  if (error) return Fault{what + " is not JSON (" + error.message() + ")", {}, {}};
  if (!value.is_object()) return Fault{what + " is not a JSON object", {}, {}};
  return std::move(value.as_object());
}

std::optional<std::string> text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(value->as_string());
}

}  // namespace certherd::ca
