#pragma once

#include <certherd/base/time.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace certherd::certbot {

/// One record of letsencrypt.log. Format "%(asctime)s:%(levelname)s:%(name)s:%(message)s" since certbot 0.9; the time
/// is UTC because the child runs with TZ=UTC.
struct LogRecord {
  TimePoint time;
  std::string level;    ///< "DEBUG" … "CRITICAL"
  std::string logger;   ///< "acme.client"
  std::string message;  ///< with its continuation lines, without the last newline
};

/// The first line of a record, or nullopt when the line continues the previous one.
std::optional<LogRecord> parse_record_start(std::string_view line);

/// Turns a growing log into records. Bytes arrive in any pieces. A record is complete once the next one begins, so the
/// last is held back until `flush`.
class LogParser {
public:
  /// Longest message kept; what is beyond it is dropped and marked. certbot's own longest, a certificate chain, has a
  /// few kilobytes.
  static constexpr std::size_t message_limit = 256 * 1024;

  /// `line_sink` hears every line as it stands, once it is whole.
  explicit LogParser(std::function<void(const LogRecord&)> sink, std::function<void(std::string_view)> line_sink = {})
      : sink_(std::move(sink)), line_sink_(std::move(line_sink)) {}

  void feed(std::string_view bytes);
  /// Hands out what is held back, also a last line without newline. Nothing is to be fed afterwards.
  void flush();
  /// The record held back, complete or not: its first line is, and that is enough to tell what certbot is doing now.
  const std::optional<LogRecord>& held() const { return held_; }

private:
  void end_line();
  void emit();

  std::function<void(const LogRecord&)> sink_;
  std::function<void(std::string_view)> line_sink_;
  std::string partial_;  ///< a line whose newline has not arrived
  bool overlong_ = false;
  std::optional<LogRecord> held_;
};

}  // namespace certherd::certbot
