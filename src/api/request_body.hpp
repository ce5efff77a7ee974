#pragma once

#include <certherd/base/result.hpp>
#include <certherd/service/control.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace certherd::api {

/// Ends a request with a status and a Fault.
struct Refused {
  int status;
  Fault fault;
};

/// The body's JSON object; an empty one for no body. Throws Refused (400) for anything else.
boost::json::object body_of(const service::Request& request);

/// A member that is false when absent. Throws Refused (400) when it is neither true nor false.
bool flag(const boost::json::object& object, const char* key);

/// A member that must be there. Throws Refused (400) when it is missing or no text.
std::string text(const boost::json::object& object, const char* key);

Fault unknown_certificate(const std::string& name);

}  // namespace certherd::api
