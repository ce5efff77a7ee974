#include "log_entry.hpp"

#include <certherd/base/text.hpp>

#include <sys/stat.h>
#include <syslog.h>

#include <array>
#include <utility>

namespace certherd::os {
namespace {

int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return LOG_DEBUG;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::warning:
      return LOG_WARNING;
    case LogLevel::error:
      return LOG_ERR;
  }
  return LOG_ERR;
}

constexpr std::array words{
    std::pair{LogLevel::debug, std::string_view("debug")}, std::pair{LogLevel::info, std::string_view("info")},
    std::pair{LogLevel::warning, std::string_view("warning")}, std::pair{LogLevel::error, std::string_view("error")}};

}  // namespace

std::string_view to_string(LogLevel level) {
  for (const auto& [known, text] : words)
    if (known == level) return text;
  return "error";
}

std::optional<LogLevel> parse_log_level(std::string_view word) {
  for (const auto& [level, text] : words)
    if (text == word) return level;
  return {};
}

bool is_journal_stream(int descriptor, const char* journal_stream) {
  if (journal_stream == nullptr) return false;
  const auto parts = split(journal_stream, ':');
  struct stat status {};
  if (parts.size() != 2 || ::fstat(descriptor, &status) != 0) return false;
  return parts[0] == std::to_string(status.st_dev) && parts[1] == std::to_string(status.st_ino);
}

std::vector<std::string> journal_fields(LogLevel level, std::string_view text, const LogFields& fields) {
  std::vector<std::string> made{"MESSAGE=" + printable(text), "PRIORITY=" + std::to_string(priority_of(level)),
                                "SYSLOG_IDENTIFIER=certherd"};
  const auto add = [&made](const char* name, std::string_view value) {
    if (!value.empty()) made.push_back(std::string(name) + "=" + printable(value));
  };
  add("CERTHERD_CERTIFICATE", fields.certificate);
  add("CERTHERD_RUN", fields.run);
  add("CERTHERD_FAILURE_CLASS", fields.failure_class);
  add("CERTHERD_EVENT", fields.event);
  return made;
}

std::string text_with_fields(std::string_view text, const LogFields& fields) {
  std::vector<std::string> missing;
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty() && !contains(text, value)) missing.push_back(std::string(name) + "=" + std::string(value));
  };
  add("certificate", fields.certificate);
  add("run", fields.run);
  add("class", fields.failure_class);
  add("event", fields.event);
  std::string whole(text);
  if (!missing.empty()) whole += " (" + join(missing, " ") + ")";
  return printable(whole);
}

}  // namespace certherd::os
