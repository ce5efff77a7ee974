#include <certherd/base/text.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/notify.hpp>

#include <systemd/sd-daemon.h>

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <system_error>

namespace certherd::os {
namespace {

/// The environment stays as it is: a reload or stop is to be told too. Children get an environment of their own.
void tell(const std::string& state) {
  const int result = ::sd_notify(0, state.c_str());
  if (result < 0) log(LogLevel::warning, "systemd could not be told: " + std::generic_category().message(-result));
}

/// An assignment ends with its line.
std::string status_line(std::string_view text) {
  std::string line = printable(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return "STATUS=" + line;
}

/// The clock that systemd compares with its own: CLOCK_MONOTONIC, which std::chrono does not promise.
std::uint64_t monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

void notify_ready(std::string_view status) {
  tell("READY=1\n" + status_line(status));
}

void notify_status(std::string_view text) {
  tell(status_line(text));
}

void notify_reloading() {
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds()));
}

void notify_stopping(std::string_view status) {
  tell(status.empty() ? "STOPPING=1" : "STOPPING=1\n" + status_line(status));
}

void notify_watchdog() {
  tell("WATCHDOG=1");
}

void notify_extend_timeout(Milliseconds from_now) {
  tell("EXTEND_TIMEOUT_USEC=" + std::to_string(std::chrono::microseconds(from_now).count()));
}

std::optional<Milliseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return {};
  const auto half = std::chrono::duration_cast<Milliseconds>(std::chrono::microseconds(microseconds / 2));
  return std::max(half, Milliseconds(1));
}

}  // namespace certherd::os
