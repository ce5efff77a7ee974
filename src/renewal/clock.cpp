#include <certherd/renewal/clock.hpp>

namespace certherd::renewal {
namespace {

bool apart(std::chrono::nanoseconds difference) {
  return difference > clock_tolerance || difference < -clock_tolerance;
}

}  // namespace

bool ClockWatch::observe(TimePoint wall, Monotonic monotonic) {
  const bool was_held = held_;
  current_ = std::chrono::duration_cast<std::chrono::nanoseconds>(wall.time_since_epoch()) - monotonic;
  if (!begun_) {
    begun_ = true;
    // Nothing is known of how long certherd was away, so only a clock that went back can be told.
    trusted_ = current_;
    if (last_known_ && wall < *last_known_ - clock_tolerance) trusted_ += *last_known_ - wall;
  }
  held_ = apart(current_ - trusted_);
  // Small corrections are believed one by one, so that those of years do not add up to a step.
  if (!held_) trusted_ = current_;
  return held_ && !was_held;
}

Milliseconds ClockWatch::step() const {
  return held_ ? std::chrono::duration_cast<Milliseconds>(current_ - trusted_) : Milliseconds(0);
}

bool ClockWatch::confirm(TimePoint ca_date, TimePoint wall) {
  if (apart(ca_date - wall)) return false;
  trusted_ = current_;
  held_ = false;
  return true;
}

}  // namespace certherd::renewal
