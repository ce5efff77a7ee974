#pragma once

#include <string>
#include <string_view>

namespace certherd::os {

/// 64 hexadecimal digits, lower case.
std::string sha256_hex(std::string_view text);

}  // namespace certherd::os
