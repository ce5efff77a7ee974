#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/settings.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <ostream>

namespace certherd::cli {

/// What --json prints. Times are RFC 3339 in UTC, durations seconds; what is not known or does not apply is null.
boost::json::object to_json(const Run& run);
boost::json::object to_json(const Certificate& certificate);
boost::json::object to_json(const CertificateFacts& facts);
boost::json::object to_json(const Provider& provider);
boost::json::object to_json(const Fault& fault);
boost::json::array to_json(const PhaseTimeline& timeline);

boost::json::array texts(const std::vector<std::string>& texts);
/// One line of JSON.
void print_json(std::ostream& out, const boost::json::value& value);

}  // namespace certherd::cli
