#include <certherd/base/text.hpp>
#include <certherd/base/time.hpp>

#include <array>
#include <cstdio>
#include <ctime>

namespace certherd {
namespace {

std::tm utc_fields(TimePoint time) {
  const std::time_t seconds = std::chrono::floor<Seconds>(time).time_since_epoch().count();
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  return fields;
}

std::string strftime_utc(TimePoint time, const char* format) {
  const std::tm fields = utc_fields(time);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &fields)};
}

/// timegm, refusing fields that are out of range instead of carrying them over ("February 30th"), and years that the
/// nanoseconds of a TimePoint cannot count (it ends in 2262).
std::optional<TimePoint> from_fields(std::tm fields) {
  if (fields.tm_year + 1900 < 1700 || fields.tm_year + 1900 > 2260) return std::nullopt;
  const std::tm wanted = fields;
  const std::time_t seconds = timegm(&fields);
  if (fields.tm_mday != wanted.tm_mday || fields.tm_mon != wanted.tm_mon || fields.tm_hour != wanted.tm_hour ||
      fields.tm_min != wanted.tm_min)
    return std::nullopt;
  return TimePoint(Seconds(seconds));
}

struct Unit {
  char letter;
  long long seconds;
};
constexpr std::array<Unit, 4> units{{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

}  // namespace

std::string format_utc(TimePoint time) {
  const auto milliseconds = (std::chrono::floor<Milliseconds>(time) - std::chrono::floor<Seconds>(time)).count();
  std::array<char, 8> fraction{};
  (void)std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(milliseconds));
  return strftime_utc(time, "%Y-%m-%dT%H:%M:%S") + fraction.data();
}

std::string format_utc_minutes(TimePoint time) {
  return strftime_utc(time, "%Y-%m-%d %H:%M");
}

std::optional<TimePoint> parse_utc(std::string_view text) {
  const std::string copy(text);
  std::tm fields{};
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &fields);
  if (!rest) return std::nullopt;
  const auto whole = from_fields(fields);
  if (!whole) return std::nullopt;
  const std::string_view tail(rest);
  if (tail == "Z") return whole;
  if (tail.size() != 5 || tail[0] != '.' || tail[4] != 'Z') return std::nullopt;
  int milliseconds = 0;
  for (const char c : tail.substr(1, 3)) {
    if (c < '0' || c > '9') return std::nullopt;
    milliseconds = milliseconds * 10 + (c - '0');
  }
  return *whole + Milliseconds(milliseconds);
}

std::optional<TimePoint> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // Not strptime: its %b follows the locale.
  std::tm fields{};
  std::array<char, 4> month{};
  int read = 0;
  const std::string copy(trim(text));
  if (std::sscanf(copy.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &fields.tm_mday, month.data(),
                  &fields.tm_year, &fields.tm_hour, &fields.tm_min, &fields.tm_sec, &read) != 6 ||
      read != static_cast<int>(copy.size()))
    return std::nullopt;
  fields.tm_year -= 1900;
  for (fields.tm_mon = 0; fields.tm_mon < 12; ++fields.tm_mon)
    if (months[static_cast<std::size_t>(fields.tm_mon)] == month.data()) return from_fields(fields);
  return std::nullopt;
}

Result<Seconds> parse_duration(std::string_view text) {
  const std::string shown = "'" + std::string(text) + "'";
  const auto wrong = [&](const std::string& why) {
    return Fault{shown + " is not a duration" + why, "write a whole number and s, m, h or d: 30s, 10m, 2h, 5d", {}};
  };
  if (text.empty()) return wrong("");
  if (parse_number(text)) return wrong(": the unit is missing");
  for (const auto& unit : units) {
    if (text.back() != unit.letter) continue;
    const auto number = parse_number(text.substr(0, text.size() - 1));
    if (!number) return wrong("");
    constexpr long long longest = 100LL * 365 * 86400;  // a century: beyond it arithmetic on time points overflows
    if (*number > longest / unit.seconds) return wrong(": it is longer than a century");
    return Seconds(*number * unit.seconds);
  }
  return wrong("");
}

std::string format_duration(Seconds duration) {
  const long long count = duration.count();
  if (count == 0) return "0s";
  for (const auto& unit : units)
    if (count % unit.seconds == 0) return std::to_string(count / unit.seconds) + unit.letter;
  return std::to_string(count) + "s";
}

std::string format_elapsed(Milliseconds elapsed) {
  const long long ms = elapsed.count();
  std::array<char, 48> text{};
  if (ms < 60'000) {
    (void)std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ms) / 1000.0);
  } else if (ms < 3'600'000) {
    (void)std::snprintf(text.data(), text.size(), "%lld min %02lld s", ms / 60'000, ms / 1000 % 60);
  } else if (ms < 2LL * 86'400'000) {
    (void)std::snprintf(text.data(), text.size(), "%lld h %02lld min", ms / 3'600'000, ms / 60'000 % 60);
  } else {
    (void)std::snprintf(text.data(), text.size(), "%lld days", ms / 86'400'000);
  }
  return text.data();
}

}  // namespace certherd
