#pragma once

#include <certherd/base/time.hpp>

#include <optional>
#include <string_view>

// What the service tells systemd about itself (sd_notify(3)). Without systemd, that is without NOTIFY_SOCKET, nothing
// happens. A systemd that cannot be told is a warning in the log, never an end.

namespace certherd::os {

/// The start, or a reload, is over; `status` is the line that `systemctl status` shows.
void notify_ready(std::string_view status);

/// Another line for `systemctl status`. Newlines become spaces.
void notify_status(std::string_view text);

/// A reload begins; notify_ready() ends it. Carries MONOTONIC_USEC, which Type=notify-reload wants (systemd 253 on).
void notify_reloading();

/// The end begins; without a status the line stays as it is.
void notify_stopping(std::string_view status = {});

/// "I am alive"; due more often than WatchdogSec.
void notify_watchdog();

/// systemd's patience for the start or stop that is under way: it ends this long from now instead of at TimeoutStartSec
/// or TimeoutStopSec, if that is later (EXTEND_TIMEOUT_USEC). To be repeated while the work goes on.
void notify_extend_timeout(Milliseconds from_now);

/// How often notify_watchdog() is to be called: half of WatchdogSec (WATCHDOG_USEC). None: nobody watches, or
/// WATCHDOG_PID means another process.
std::optional<Milliseconds> watchdog_interval();

}  // namespace certherd::os
