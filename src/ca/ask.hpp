#pragma once

// One question to a CA without the ACME account: a GET of JSON.

#include <certherd/base/result.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/os/http.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace certherd::ca {

/// Blocking, no longer than `patience`. `what`: "the renewal information", for the Fault. Any status is an answer; a
/// body beyond the limit is a Fault.
Result<os::HttpResponse> ask(const Ca& ca, const std::string& what, const std::string& url, Seconds patience);

/// The Fault for a status other than 200.
Fault status_fault(const Ca& ca, const std::string& what, const os::HttpResponse& response);

/// The Date header.
std::optional<TimePoint> date_of(const os::HttpResponse& response);

/// Fault: not JSON, or no object. `what` begins the message.
Result<boost::json::object> parse_object(std::string_view body, const std::string& what);

/// The text of a member; nullopt: it is missing or no text.
std::optional<std::string> text_of(const boost::json::object& object, std::string_view name);

}  // namespace certherd::ca
