#pragma once

#include <certherd/base/time.hpp>
#include <certherd/os/stop.hpp>

#include <boost/asio/awaitable.hpp>

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace certherd::os {

/// A process as /proc shows it (proc(5)).
struct ProcessInfo {
  pid_t pid = 0;
  pid_t group = 0;
  std::vector<std::string> argv;
  std::uint64_t started = 0;  ///< clock ticks since the boot: with the pid it names one process for ever
};

/// The running processes that are wanted by their arguments: those of our own user, or of every user when we are root.
/// Never ourselves. What ends meanwhile is left out.
std::vector<ProcessInfo> find_processes(const std::function<bool(const std::vector<std::string>& argv)>& wanted);

/// How a process that is not our child came to its end.
enum class GroupEnd {
  by_itself,   ///< it was gone already, or ended within the patience
  terminated,  ///< after TERM
  killed,      ///< after KILL
  left         ///< it runs on: the stop came first, or we may not signal it
};

struct EndOptions {
  Seconds patience{0};  ///< to end by itself, before anything is sent
  Seconds grace{60};    ///< between TERM and KILL
};

/// Ends a process that is not our child, with its process group if it leads one: waits, sends TERM, waits, sends KILL.
/// Signals go through pidfds that were checked against the start time, so that no process which was given a number anew
/// is ever hit. The StopSignal ends the waiting, not the process.
boost::asio::awaitable<GroupEnd> end_group(ProcessInfo process, EndOptions options, StopSignal& stop);

}  // namespace certherd::os
