#pragma once

// Reads documents of to_json(): what is missing or wrong ends in Failed, with its place.

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/run.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace certherd::service {

namespace json = boost::json;

[[noreturn]] inline void wrong(const std::string& place, const std::string& what) {
  throw Failed({"the answer cannot be read: " + place + " " + what,
                "the service and this program may be of different versions: restart the service",
                {}});
}

/// A value and where it stands, for the Fault.
struct JsonNode {
  const json::value& value;
  std::string place;

  bool is_null() const { return value.is_null(); }

  const json::object& object() const {
    if (!value.is_object()) wrong(place, "is no object");
    return value.get_object();
  }

  JsonNode operator[](const char* key) const {
    const json::value* const found = object().if_contains(key);
    const std::string inner = place == "run" ? key : place + "." + key;
    if (!found) wrong(inner, "is missing");
    return {*found, inner};
  }

  std::vector<JsonNode> items() const {
    if (!value.is_array()) wrong(place, "is no array");
    std::vector<JsonNode> nodes;
    for (const auto& item : value.get_array())
      nodes.push_back({item, place + "[" + std::to_string(nodes.size()) + "]"});
    return nodes;
  }

  std::string text() const {
    if (!value.is_string()) wrong(place, "is no text");
    return std::string(value.get_string());
  }
  std::string text_or_empty() const { return is_null() ? std::string() : text(); }

  bool boolean() const {
    if (!value.is_bool()) wrong(place, "is neither true nor false");
    return value.get_bool();
  }

  template <class Number>
  Number whole() const {
    boost::system::error_code error;
    const auto number = value.is_number() ? value.to_number<Number>(error) : Number{};
    if (!value.is_number() || error) wrong(place, "is no whole number that fits");
    return number;
  }

  /// Seconds with a fraction, as a duration.
  Milliseconds duration() const {
    constexpr double longest = 1e12;
    const double seconds = value.is_number() ? value.to_number<double>() : -1;
    if (!(seconds >= 0 && seconds < longest)) wrong(place, "is no duration in seconds");
    return Milliseconds(std::llround(seconds * 1000));
  }

  TimePoint time() const {
    const auto parsed = parse_utc(text());
    if (!parsed) wrong(place, "is no time");
    return *parsed;
  }
  TimePoint time_or_none() const { return is_null() ? TimePoint{} : time(); }

  /// A word of one of the model's lists.
  template <class Parse>
  auto word(Parse parse, const char* what) const {
    const auto parsed = parse(text());
    if (!parsed) wrong(place, std::string("is no ") + what + " that this version knows");
    return *parsed;
  }

  template <class Read>
  auto optional(Read read) const {
    using Value = decltype(read(*this));
    return is_null() ? std::optional<Value>() : std::optional<Value>(read(*this));
  }
};

std::vector<std::string> texts_of(const JsonNode& node);
CertificateFacts facts_of(const JsonNode& node);
Failure failure_of(const JsonNode& node);
Run run_of(const JsonNode& node);

}  // namespace certherd::service
