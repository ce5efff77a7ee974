#pragma once

#include <certherd/base/result.hpp>

#include <filesystem>
#include <optional>
#include <string_view>

namespace certherd::os {

/// How much the service log says. Who must act decides: an error wants a person now, a warning one day, info tells the
/// story, debug explains it.
enum class LogLevel { debug, info, warning, error };

/// "debug", "info", "warning", "error".
std::string_view to_string(LogLevel level);
/// What to_string() gave.
std::optional<LogLevel> parse_log_level(std::string_view word);

/// What an entry is about, for those who filter: `journalctl CERTHERD_CERTIFICATE=example.com`. Empty ones are left
/// out.
struct LogFields {
  std::string_view certificate;    ///< CERTHERD_CERTIFICATE: its name
  std::string_view run;            ///< CERTHERD_RUN: the id of the Run
  std::string_view failure_class;  ///< CERTHERD_FAILURE_CLASS: as in the audit log
  std::string_view event;          ///< CERTHERD_EVENT: a stable word for what happened, "run.deployed"
};

/// Before the first call nothing but warnings and errors is said. May be called from any thread, at any time.
void set_log_level(LogLevel level);
LogLevel log_level();

/// One entry, to the systemd journal with its fields where standard error is the journal (JOURNAL_STREAM,
/// systemd.exec(5)), else to standard error; and to the log file, if there is one. Never fails: a log that cannot be
/// written must not end a Run. Secrets are redacted by whoever knows them, before this.
void log(LogLevel level, std::string_view text, const LogFields& fields = {});

/// Where the service's entries go besides: to this file, each with its time in UTC. It is created 0640 if it is
/// missing, and appended to. An empty path: no file. Fault: it cannot be opened; then the file in use, if any, stays.
Result<void> open_service_log(const std::filesystem::path& path);

/// After a rotation: goes on in a new file at the same path. Nothing happens without a log file. If the new one cannot
/// be opened, that is an entry, and the old one, wherever it was moved, stays in use.
void reopen_log_file();

}  // namespace certherd::os
