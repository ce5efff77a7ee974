#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <certherd/base/result.hpp>

namespace certherd {

/// Wall-clock time, always UTC.
using TimePoint = std::chrono::system_clock::time_point;
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// RFC 3339 in UTC with milliseconds: "2026-11-23T21:44:18.123Z".
std::string format_utc(TimePoint time);

/// "2026-11-23 21:44" in UTC, for tables.
std::string format_utc_minutes(TimePoint time);

/// What format_utc wrote; with or without the milliseconds.
std::optional<TimePoint> parse_utc(std::string_view text);

/// An HTTP date (RFC 9110 §5.6.7, the IMF-fixdate form): "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<TimePoint> parse_http_date(std::string_view text);

/// A configured duration: a whole number and one of s, m, h, d ("30s", "10m", "2h", "5d"). The unit is required, since
/// a bare number would be a guess. The Fault has no mark; the caller knows the place.
Result<Seconds> parse_duration(std::string_view text);

/// The shortest exact form in one unit: 90 s -> "90s", 3600 s -> "1h".
std::string format_duration(Seconds duration);

/// For people: "0.4 s", "12.3 s", "2 min 05 s", "3 h 20 min", "61 days".
std::string format_elapsed(Milliseconds elapsed);

}  // namespace certherd
