#pragma once

#include "certherd/base/time.hpp"

namespace certherd::service {

/// The wall clock, as the journal and the plan have it.
inline TimePoint now() {
  return std::chrono::system_clock::now();
}

}  // namespace certherd::service
