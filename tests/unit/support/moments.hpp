#pragma once

#include <certherd/base/time.hpp>

#include <chrono>

namespace certherd::test {

inline constexpr std::chrono::days day{1};
/// A moment to count from.
inline const TimePoint now = *parse_utc("2026-11-23T12:00:00Z");

}  // namespace certherd::test
