#include <certherd/certbot/log_record.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace certherd::certbot {
namespace {

constexpr std::string_view time_shape = "dddd-dd-dd dd:dd:dd,ddd:";  // 'd' stands for a digit
constexpr std::array<std::string_view, 5> levels{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
constexpr std::size_t line_limit = 64 * 1024;
constexpr std::string_view cut_mark = " [cut]";

bool has_time_shape(std::string_view line) {
  if (line.size() < time_shape.size()) return false;
  return std::equal(time_shape.begin(), time_shape.end(), line.begin(), [](char shape, char c) {
    return shape == 'd' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == shape;
  });
}

bool is_logger_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
}

}  // namespace

std::optional<LogRecord> parse_record_start(std::string_view line) {
  if (!has_time_shape(line)) return std::nullopt;
  std::string time(line.substr(0, 23));
  time[10] = 'T';
  time[19] = '.';
  const auto when = parse_utc(time + "Z");
  if (!when) return std::nullopt;
  std::string_view rest = line.substr(time_shape.size());
  const auto level = rest.substr(0, rest.find(':'));
  if (std::find(levels.begin(), levels.end(), level) == levels.end() || level.size() == rest.size())
    return std::nullopt;
  rest.remove_prefix(level.size() + 1);
  const auto logger_end = std::find_if_not(rest.begin(), rest.end(), is_logger_character) - rest.begin();
  const auto logger = rest.substr(0, static_cast<std::size_t>(logger_end));
  if (logger.empty() || logger.size() == rest.size() || rest[logger.size()] != ':') return std::nullopt;
  rest.remove_prefix(logger.size() + 1);
  return LogRecord{*when, std::string(level), std::string(logger), std::string(rest)};
}

void LogParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    const std::size_t room = line_limit - std::min(line_limit, partial_.size());
    overlong_ = overlong_ || piece.size() > room;
    partial_ += piece.substr(0, room);
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    end_line();
  }
}

void LogParser::flush() {
  if (!partial_.empty()) end_line();
  emit();
}

void LogParser::end_line() {
  if (overlong_) partial_ += cut_mark;
  overlong_ = false;
  if (line_sink_) line_sink_(partial_);
  if (auto start = parse_record_start(partial_)) {
    emit();
    held_ = std::move(start);
  } else if (held_ && held_->message.size() < message_limit) {
    held_->message += '\n';
    held_->message += partial_;
    if (held_->message.size() >= message_limit) held_->message += cut_mark;
  }
  partial_.clear();
}

void LogParser::emit() {
  if (held_) sink_(*held_);
  held_.reset();
}

}  // namespace certherd::certbot
