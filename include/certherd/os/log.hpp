#pragma once

#include <string_view>

namespace certherd::os {

/// How much the service log says. Who must act decides: an error wants a person now, a warning one day, info tells the
/// story, debug explains it.
enum class LogLevel { debug, info, warning, error };

/// Sends the service log to standard error. Before the first call nothing but warnings and errors is said.
void set_log_level(LogLevel level);

/// One entry. Secrets are redacted by whoever knows them, before this.
void log(LogLevel level, std::string_view text);

}  // namespace certherd::os
