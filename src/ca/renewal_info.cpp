#include <certherd/base/text.hpp>
#include <certherd/ca/renewal_info.hpp>

#include <algorithm>
#include <cstdint>

#include "ask.hpp"

namespace certherd::ca {
namespace {

const std::string renewal_information = "the renewal information";

constexpr Seconds shortest_wait{60};
constexpr Seconds longest_wait{86'400};
constexpr std::size_t url_limit = 2000;
constexpr Seconds patience{30};

Fault unusable(const std::string& why) {
  return {renewal_information + " cannot be used: " + why, {}, {}};
}

Result<TimePoint> time_in(const boost::json::object& window, const char* name) {
  const auto text = text_of(window, name);
  if (!text) return unusable(std::string("suggestedWindow.") + name + " is missing or not a text");
  if (const auto time = parse_rfc3339(*text)) return *time;
  return unusable(std::string("suggestedWindow.") + name + " is '" + bounded(printable(*text), 60) +
                  "', not a time between 2000 and 2200");
}

/// "+01:30" east of Greenwich → 5400; "Z" → 0.
std::optional<Seconds> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return Seconds(0);
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  int hours = 0;
  int minutes = 0;
  for (const std::size_t at : {1, 2, 4, 5}) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    int& number = at < 3 ? hours : minutes;
    number = number * 10 + (text[at] - '0');
  }
  if (hours > 23 || minutes > 59) return std::nullopt;
  const Seconds offset(hours * 3600 + minutes * 60);
  return text[0] == '-' ? -offset : offset;
}

/// The digits after the point, to the nanosecond that a TimePoint can hold.
std::chrono::nanoseconds fraction_of(std::string_view digits) {
  std::int64_t number = 0;
  for (std::size_t i = 0; i < 9; ++i) number = number * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return std::chrono::nanoseconds(number);
}

}  // namespace

std::optional<TimePoint> parse_rfc3339(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() <= form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool same = text[i] == form[i] || (form[i] == 'T' && (text[i] == 't' || text[i] == ' '));
    if (form[i] == '0' ? !digit : !same) return std::nullopt;
  }
  std::string_view rest = text.substr(form.size());
  std::string_view fraction;
  if (rest.starts_with('.')) {
    const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end == 1) return std::nullopt;
    fraction = rest.substr(1, end - 1);
    rest = rest.substr(end);
  }
  const auto offset = parse_offset(rest);
  if (!offset) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    for (const char c : text.substr(at, size)) value = value * 10 + (c - '0');
    return value;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  const int second = std::min(number(17, 2), 59);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 2000 || year > 2199 || !date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60)
    return std::nullopt;
  return TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(number(11, 2)) +
         std::chrono::minutes(number(14, 2)) + Seconds(second) + fraction_of(fraction) - *offset;
}

std::optional<Seconds> parse_retry_after(std::string_view text, TimePoint date) {
  text = trim(text);
  std::optional<Seconds> wait;
  if (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    wait = longest_wait;  // what no number can hold is longer
    if (text.size() < 10) wait = Seconds(std::stol(std::string(text)));
  } else if (const auto then = parse_http_date(text)) {
    wait = std::chrono::ceil<Seconds>(*then - date);
  }
  if (!wait) return std::nullopt;
  return std::clamp(*wait, shortest_wait, longest_wait);
}

Result<RenewalInfo> parse_renewal_info(std::string_view body) {
  const auto object = parse_object(body, renewal_information);
  if (!object) return object.fault();
  const auto* window = object->if_contains("suggestedWindow");
  if (!window || !window->is_object()) return unusable("suggestedWindow is missing or not an object");
  const auto start = time_in(window->as_object(), "start");
  if (!start) return start.fault();
  const auto end = time_in(window->as_object(), "end");
  if (!end) return end.fault();
  if (*end <= *start)
    return unusable("its window ends at " + format_utc(*end) + ", not after its start at " + format_utc(*start));
  RenewalInfo info;
  info.start = *start;
  info.end = *end;
  const std::string url = text_of(*object, "explanationURL").value_or("");
  if (url.size() <= url_limit && (url.starts_with("https://") || url.starts_with("http://")))
    info.explanation_url = printable(url);
  return info;
}

Result<RenewalInfo> fetch_renewal_info(const Ca& ca, const std::string& renewal_info_url, const std::string& ari_id,
                                       std::optional<Seconds>* retry_after) {
  const auto response =
      ask(ca, renewal_information, renewal_info_url + (renewal_info_url.ends_with('/') ? "" : "/") + ari_id, patience);
  if (!response) return response.fault();
  const auto date = date_of(*response);
  std::optional<Seconds> wait;
  if (const auto header = response->headers.find("retry-after"); header != response->headers.end())
    wait = parse_retry_after(header->second, date.value_or(std::chrono::system_clock::now()));
  if (retry_after) *retry_after = wait;
  if (response->status != 200) return status_fault(ca, renewal_information, *response);
  auto info = parse_renewal_info(response->body);
  if (!info) return Fault{"CA '" + ca.id + "': " + info.fault().message, info.fault().fix, {}};
  info->retry_after = wait;
  info->date = date;
  return info;
}

}  // namespace certherd::ca
