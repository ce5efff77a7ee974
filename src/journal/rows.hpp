#pragma once

// How values of the model stand in columns.

#include <certherd/base/text.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/failure.hpp>

#include <Poco/Nullable.h>
#include <Poco/Types.h>

#include <optional>
#include <string>
#include <vector>

namespace certherd::journal {

inline Poco::Int64 to_column(TimePoint time) {
  return std::chrono::floor<Milliseconds>(time).time_since_epoch().count();
}

inline TimePoint time_from(Poco::Int64 column) {
  return TimePoint(Milliseconds(column));
}

/// Domains hold no newline.
inline std::string to_column(const std::vector<std::string>& domains) {
  return join(domains, "\n");
}

inline std::vector<std::string> domains_from(const std::string& column) {
  return column.empty() ? std::vector<std::string>() : split(column, '\n');
}

template <class Column, class Value>
Poco::Nullable<Column> nullable(const std::optional<Value>& value) {
  Poco::Nullable<Column> column;
  if (value) column = static_cast<Column>(*value);
  return column;
}

inline Poco::Nullable<Poco::Int64> nullable_seconds(const std::optional<Seconds>& value) {
  Poco::Nullable<Poco::Int64> column;
  if (value) column = Poco::Int64(value->count());
  return column;
}

inline Poco::Nullable<Poco::Int64> nullable_milliseconds(const std::optional<Milliseconds>& value) {
  Poco::Nullable<Poco::Int64> column;
  if (value) column = Poco::Int64(value->count());
  return column;
}

inline Poco::Nullable<Poco::Int64> nullable_time(const std::optional<TimePoint>& value) {
  Poco::Nullable<Poco::Int64> column;
  if (value) column = to_column(*value);
  return column;
}

inline std::optional<TimePoint> optional_time(const Poco::Nullable<Poco::Int64>& column) {
  return column.isNull() ? std::nullopt : std::optional(time_from(column.value()));
}

/// A class that this program does not know can only come from a damaged database: what is least specific stands for it.
inline FailureClass class_from(const std::string& column) {
  return parse_failure_class(column).value_or(FailureClass::certbot_crash);
}

template <class Value, class Column>
std::optional<Value> optional_from(const Poco::Nullable<Column>& column) {
  return column.isNull() ? std::nullopt : std::optional<Value>(Value(column.value()));
}

}  // namespace certherd::journal
