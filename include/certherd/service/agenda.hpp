#pragma once

#include <certherd/base/time.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace certherd::service {

/// Certificates by when something is next to be done for them.
class Agenda {
public:
  void set(const std::string& certificate, TimePoint when);
  void remove(const std::string& certificate);
  void clear();
  std::optional<TimePoint> next() const;
  /// Takes out the earliest that is due.
  std::optional<std::string> take_due(TimePoint now);
  std::optional<TimePoint> when(const std::string& certificate) const;
  /// The earliest entry.
  std::optional<std::pair<TimePoint, std::string>> first() const;

private:
  std::set<std::pair<TimePoint, std::string>> order_;
  std::map<std::string, TimePoint> times_;
};

/// Certificates that wait for the same rate limit stand in line, soonest to expire first: when a thousand wait for one
/// token, the first alone looks for it.
class WaitingLines {
public:
  /// Takes its place in the line for `bucket`, after leaving any other. `expires`: of what is published now; nullopt:
  /// nothing is, so it goes before all that can wait. Returns whether it is the first.
  bool stand(const std::string& certificate, const std::string& bucket, std::optional<TimePoint> expires);
  /// Leaves its line: it goes, or does not want to any more. Returns who comes to the front by that, if anybody.
  std::optional<std::string> leave(const std::string& certificate);
  void clear();

private:
  using Line = std::set<std::pair<TimePoint, std::string>>;  ///< by expiry
  struct Place {
    std::string bucket;
    TimePoint expires;
  };
  std::map<std::string, Line> lines_;    ///< by bucket
  std::map<std::string, Place> places_;  ///< by Certificate
};

}  // namespace certherd::service
