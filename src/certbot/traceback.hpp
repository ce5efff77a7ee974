#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace certherd::certbot {

/// The exceptions of a Python traceback, each as "module.Class: text", in the order printed: the first cause first,
/// what ended the program last.
std::vector<std::string> exceptions_in(std::string_view text);

}  // namespace certherd::certbot
