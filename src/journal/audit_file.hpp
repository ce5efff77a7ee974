#pragma once

// Reading an audit log from its end.

#include <certherd/base/result.hpp>

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::journal {

/// Walks the lines of an open file from the last to the first, while `line` says true. The text after the last newline
/// comes first and as such, `whole` false; it is left out when there is none. Fault: a read failed.
Result<void> lines_backwards(int fd, const std::filesystem::path& path,
                             const std::function<bool(std::string_view line, bool whole)>& line);

}  // namespace certherd::journal
