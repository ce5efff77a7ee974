#include <certherd/base/text.hpp>
#include <certherd/providers/zone_list.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cctype>

namespace certherd::providers {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr int most_pages = 100;
constexpr std::size_t largest_answer = 4 * 1024 * 1024;

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("-._~").find(c) != std::string_view::npos)
      encoded += c;
    else
      encoded.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return encoded;
}

std::string filled(std::string_view text, const std::function<std::string(const std::string&)>& value_of) {
  std::string result;
  while (true) {
    const auto open = text.find('{');
    const auto close = text.find('}', open);
    if (open == text.npos || close == text.npos) return result.append(text);
    result.append(text.substr(0, open)).append(value_of(std::string(text.substr(open + 1, close - open - 1))));
    text.remove_prefix(close + 1);
  }
}

bool is_given(const Credentials& credentials, const std::string& key) {
  const auto found = credentials.values.find(key);
  return found != credentials.values.end() && !found->second.empty();
}

/// All values that a path leads to; false: it leads nowhere.
bool follow(const json::value& value, std::string_view path, std::vector<const json::value*>& found) {
  if (path.empty()) {
    found.push_back(&value);
    return true;
  }
  const auto dot = path.find('.');
  std::string_view part = path.substr(0, dot);
  const std::string_view rest = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  const bool each = part.ends_with("[]");
  if (each) part.remove_suffix(2);
  const json::value* at = &value;
  if (!part.empty()) at = value.is_object() ? value.as_object().if_contains(part) : nullptr;
  if (!at) return false;
  if (!each) return follow(*at, rest, found);
  if (!at->is_array()) return false;
  const auto& items = at->as_array();
  return std::all_of(items.begin(), items.end(), [&](const json::value& item) { return follow(item, rest, found); });
}

/// DNS compares A-labels: a name in another form might be one of ours, and is none that can be compared.
bool is_plain(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void add_zones(ScopeAnswer& answer, std::vector<std::string> names) {
  for (auto& name : names) {
    if (!is_plain(name)) answer.whole = false;
    answer.zones.push_back(std::move(name));
  }
}

}  // namespace

std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> names;
  filled(text, [&](const std::string& name) {
    names.push_back(name);
    return std::string();
  });
  return names;
}

const ZoneList* usable_zone_list(const Provider& provider, const Credentials& credentials) {
  const auto all_given = [&](const std::string& text) {
    const auto names = placeholders(text);
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& name) { return name == "page" || is_given(credentials, name); });
  };
  const auto usable = [&](const ZoneList& list) {
    return all_given(list.url) && std::all_of(list.headers.begin(), list.headers.end(),
                                              [&](const auto& header) { return all_given(header.second); });
  };
  const auto found = std::find_if(provider.zone_lists.begin(), provider.zone_lists.end(), usable);
  return found == provider.zone_lists.end() ? nullptr : &*found;
}

Result<os::HttpRequest> zone_list_request(const ZoneList& list, const Credentials& credentials, int page) {
  os::HttpRequest request;
  request.response_limit = largest_answer;
  request.url = filled(list.url, [&](const std::string& name) {
    return name == "page" ? std::to_string(page) : percent_encoded(credentials.values.at(name));
  });
  request.headers["Accept"] = "application/json";
  for (const auto& [name, text] : list.headers) {
    const std::string value = filled(text, [&](const std::string& key) { return credentials.values.at(key); });
    if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return std::iscntrl(c); }))
      return Fault{"the credentials hold a control character", "remove it", {}};
    request.headers[name] = value;
  }
  return request;
}

Result<ZonePage> read_zone_page(const ZoneList& list, std::string_view body) {
  json::error_code error;
  const json::value document = json::parse(body, error);
  if (error) return Fault{"an answer that is no JSON", {}, {}};
  ZonePage page;
  std::vector<const json::value*> names;
  if (!follow(document, list.names, names)) return Fault{"an answer without '" + list.names + "'", {}, {}};
  for (const auto* name : names) {
    if (!name->is_string()) return Fault{"an answer with something else than names at '" + list.names + "'", {}, {}};
    std::string zone = to_lower(std::string(name->as_string()));
    if (zone.ends_with('.')) zone.pop_back();
    page.names.push_back(std::move(zone));
  }
  std::vector<const json::value*> pages;
  if (list.pages.empty()) return page;
  if (!follow(document, list.pages, pages) || !pages.front()->is_int64())
    return Fault{"an answer without a number at '" + list.pages + "'", {}, {}};
  page.pages = pages.front()->as_int64();
  return page;
}

ScopeAnswer ask_for_zones(const Provider& provider, const ZoneList& list, const Credentials& credentials,
                          std::chrono::steady_clock::time_point deadline, const Exchange& exchange) {
  ScopeAnswer answer;
  answer.says = ScopeAnswer::Says::nothing;
  answer.whole = true;
  answer.who = "the API of " + provider.title;
  const auto nothing = [&answer](std::string why) {
    answer.says = ScopeAnswer::Says::nothing;
    answer.answer = std::move(why);
    return answer;
  };
  const bool paged = list.url.find("{page}") != std::string::npos;
  std::vector<std::string> before;
  for (int page = 1; page <= most_pages; ++page) {
    auto request = zone_list_request(list, credentials, page);
    if (!request) return nothing(request.fault().message);
    if (page == 1) answer.who += " (" + os::public_part(request->url) + ")";
    request->timeout = std::chrono::ceil<Seconds>(deadline - Clock::now());
    if (request->timeout <= Seconds(0)) return nothing("not all of its zones within the time");
    const auto response = exchange(*request);
    if (!response) return nothing(response.fault().message);
    answer.answer = "HTTP status " + std::to_string(response->status);
    if (std::find(list.denials.begin(), list.denials.end(), response->status) != list.denials.end()) {
      answer.says = ScopeAnswer::Says::bad_credentials;
      return answer;
    }
    if (response->status != 200) return nothing(answer.answer);
    auto read = read_zone_page(list, response->body);
    if (!read) return nothing(read.fault().message);
    // Some answer beyond the last page with that page again.
    const bool again = read->names == before;
    const bool last = !paged || again || read->names.empty() || (read->pages && page >= *read->pages);
    before = again ? std::vector<std::string>() : read->names;
    if (!again) add_zones(answer, std::move(read->names));
    answer.says = ScopeAnswer::Says::zones;
    if (last) return answer;
  }
  answer.whole = false;
  return answer;
}

}  // namespace certherd::providers
