#pragma once

#include <unistd.h>

#include <array>
#include <string>

namespace certherd::service {

/// This machine's name; empty when there is none.
inline std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

}  // namespace certherd::service
