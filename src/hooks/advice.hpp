#pragma once

#include <certherd/base/text.hpp>
#include <certherd/model/failure.hpp>

#include <string>

namespace certherd::hooks {

/// What to do about a failure: its own fix, or its class's where it has none.
inline std::string advice(const Failure& failure) {
  return failure.fix.empty() ? std::string(traits(failure.failure_class).fix) : printable(failure.fix);
}

}  // namespace certherd::hooks
