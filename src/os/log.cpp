#include "log_entry.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/log.hpp>

// The place of the call would be that of this file, always.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace certherd::os {
namespace {

constexpr mode_t log_file_mode = 0640;

std::atomic<LogLevel> current_level{LogLevel::warning};

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// Our own level is asked first, so these say everything.
std::shared_ptr<spdlog::logger> logger_over(spdlog::sink_ptr sink) {
  auto made = std::make_shared<spdlog::logger>("certherd", std::move(sink));
  made->set_level(spdlog::level::trace);
  made->flush_on(spdlog::level::trace);
  return made;
}

/// Made when the first entry is due: most verbs never say anything here.
spdlog::logger& terminal() {
  static const auto instance = [] {
    auto made = logger_over(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%^%l%$: %v");
    return made;
  }();
  return *instance;
}

bool journal_is_there() {
  static const bool there = is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
  return there;
}

/// Whether journald has it.
bool to_journal(LogLevel level, std::string_view text, const LogFields& fields) {
  auto entry = journal_fields(level, text, fields);
  std::vector<iovec> parts;
  parts.reserve(entry.size());
  for (auto& field : entry) parts.push_back({field.data(), field.size()});
  return ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

/// The log file and its place. Entries come from the pool's threads too, while SIGHUP reopens it.
class LogFile {
public:
  Result<void> open(const std::filesystem::path& path) {
    auto made = start(path);
    if (!made) return made.fault();
    const std::lock_guard guard(mutex_);
    path_ = path;
    logger_ = std::move(made).value();
    return {};
  }

  Result<void> reopen() {
    std::filesystem::path path;
    {
      const std::lock_guard guard(mutex_);
      path = path_;
    }
    return path.empty() ? Result<void>{} : open(path);
  }

  void close() {
    const std::lock_guard guard(mutex_);
    path_.clear();
    logger_.reset();
  }

  void write(LogLevel level, std::string_view text, const LogFields& fields) {
    std::shared_ptr<spdlog::logger> logger;
    {
      const std::lock_guard guard(mutex_);
      logger = logger_;
    }
    if (logger) logger->log(level_of(level), text_with_fields(text, fields));
  }

private:
  static Result<std::shared_ptr<spdlog::logger>> start(const std::filesystem::path& path) {
    if (auto there = create_missing(path); !there) return there.fault();
    try {
      auto logger = logger_over(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string()));
      logger->set_formatter(
          std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc));
      return logger;
    } catch (const spdlog::spdlog_ex& error) {
      return Fault{"cannot open the log file " + path.string() + ": " + error.what(), {}, {}};
    }
  }

  /// The mode from its first byte. A file that is there was made by whoever rotates and keeps its mode.
  static Result<void> create_missing(const std::filesystem::path& path) {
    const Fd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, log_file_mode));
    if (made) {
      // open heeds the umask.
      if (::fchmod(made.get(), log_file_mode) != 0) return system_fault("cannot set the mode of", path, errno);
      return {};
    }
    if (errno != EEXIST) return system_fault("cannot create the log file", path, errno);
    const Fd there(::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
    if (!there) return system_fault("cannot write the log file", path, errno);
    struct stat status {};
    if (::fstat(there.get(), &status) != 0) return system_fault("cannot look at the log file", path, errno);
    // Opening a FIFO would block the whole service until somebody reads.
    if (!S_ISREG(status.st_mode)) return Fault{"the log file " + path.string() + " is not a regular file", {}, {}};
    return {};
  }

  std::mutex mutex_;
  std::filesystem::path path_;
  std::shared_ptr<spdlog::logger> logger_;
};

LogFile& log_file() {
  static LogFile instance;
  return instance;
}

}  // namespace

void set_log_level(LogLevel level) {
  current_level = level;
}

LogLevel log_level() {
  return current_level;
}

void log(LogLevel level, std::string_view text, const LogFields& fields) {
  if (level < log_level()) return;
  if (!journal_is_there() || !to_journal(level, text, fields)) terminal().log(level_of(level), printable(text));
  log_file().write(level, text, fields);
}

Result<void> open_service_log(const std::filesystem::path& path) {
  if (!path.empty()) return log_file().open(path);
  log_file().close();
  return {};
}

void reopen_log_file() {
  const auto reopened = log_file().reopen();
  if (!reopened) log(LogLevel::error, reopened.fault().text() + "; the log goes on in the old file");
}

}  // namespace certherd::os
