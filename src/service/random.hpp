#pragma once

#include <random>

namespace certherd::service {

/// Evenly spread over [0, 1).
inline double random01() {
  static thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

}  // namespace certherd::service
