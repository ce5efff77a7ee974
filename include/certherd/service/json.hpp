#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/settings.hpp>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace boost::json {
class array;
class object;
class value;
}  // namespace boost::json

namespace certherd::service {

/// What --json prints and the control socket answers. Times are RFC 3339 in UTC, durations seconds; what is not known
/// or does not apply is null.
boost::json::object to_json(const Run& run);
boost::json::object to_json(const HookJob& job);
boost::json::object to_json(const Certificate& certificate);
boost::json::object to_json(const CertificateFacts& facts);
boost::json::object to_json(const Provider& provider);
boost::json::object to_json(const Fault& fault);
boost::json::object to_json(const Finding& finding);
boost::json::value to_json(const std::optional<Failure>& failure);
boost::json::array to_json(const PhaseTimeline& timeline);

/// The Run of which to_json() made this, to the millisecond; members that it does not know are passed over, so that an
/// older client reads a newer service. The Fault names the member that is missing or wrong, as "attempts[1].failure".
Result<Run> run_from_json(const boost::json::value& value);

/// Null where the text is empty.
boost::json::value text_or_null(const std::string& text);
boost::json::array texts(const std::vector<std::string>& texts);
/// One line of JSON.
void print_json(std::ostream& out, const boost::json::value& value);

}  // namespace certherd::service
