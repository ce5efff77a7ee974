#pragma once

#include <certherd/base/time.hpp>

#include <chrono>
#include <optional>

namespace certherd::renewal {

/// What clocks may differ by, or a record lie in the future, before something is held to be wrong. Far above what NTP
/// corrects by stepping and any leap second, far below what would renew too early or too late.
inline constexpr std::chrono::hours clock_tolerance{1};

/// Notices that the wall clock was stepped: a dead battery, a restored VM, an administrator's typing error. Fed at
/// least each minute with the wall clock and one that only ever runs forward and counts suspended time too
/// (CLOCK_BOOTTIME): after a suspend both have advanced alike, so that is no step.
///
/// After a step by more than clock_tolerance nothing that is due by the clock may start until something else than this
/// host has confirmed the time (the Date header of a CA), or until the step is undone.
class ClockWatch {
public:
  using Monotonic = std::chrono::nanoseconds;  ///< since any fixed point, suspended time included

  /// `last_known`: a time that has certainly passed (the newest record in the database). A clock that begins before it
  /// was stepped back while nobody watched.
  explicit ClockWatch(std::optional<TimePoint> last_known = std::nullopt) : last_known_(last_known) {}

  /// True when this observation is the one that shows a step.
  bool observe(TimePoint wall, Monotonic monotonic);

  /// Runs that are due by the clock are to be held.
  bool held() const { return held_; }

  /// How far the wall clock was stepped (forward: positive); zero while nothing is held.
  Milliseconds step() const;

  /// What a CA says the time is, and the wall clock when it did. True when they agree within clock_tolerance; the clock
  /// is then believed as it stands.
  bool confirm(TimePoint ca_date, TimePoint wall);

private:
  std::optional<TimePoint> last_known_;
  bool begun_ = false;
  bool held_ = false;
  std::chrono::nanoseconds trusted_{0};  ///< wall clock minus monotonic clock, as long as it was believed
  std::chrono::nanoseconds current_{0};
};

}  // namespace certherd::renewal
