#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/run.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/stop.hpp>

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certherd::os {

/// What to start. Nothing is inherited: the environment is the one given, stdin is /dev/null, stdout and stderr are one
/// pipe, no other descriptor stays open, signals are at their defaults, the child leads its own process group.
struct ChildCommand {
  std::filesystem::path executable;  ///< absolute
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::filesystem::path working_directory = "/";
  Seconds timeout{60};                 ///< TERM to the group after this
  Seconds grace{10};                   ///< KILL to the group this long after TERM
  std::size_t line_limit = 64 * 1024;  ///< bytes of one line; the rest of a longer line is dropped and marked
  /// Sent to the child (not its group) when the thread that runs the io_context dies, so also when certherd is killed
  /// (PR_SET_PDEATHSIG). Programs with set-id bits or file capabilities do not get it.
  std::optional<int> parent_death_signal;
  /// A descriptor that the child gets as its stdin, in place of /dev/null. It stays the caller's.
  std::optional<int> input;
};

/// How it ended. Either exit_code or signal is set, but neither when stop was requested before the start, or when
/// nobody is left who could tell (`unknown`).
struct ChildExit {
  std::optional<int> exit_code;
  std::optional<int> signal;
  bool timed_out = false;  ///< we ended it because of the timeout
  bool stopped = false;    ///< we ended it because of the StopSignal
  bool killed = false;     ///< TERM did not suffice
  bool unknown = false;    ///< it has ended, and its parent, which was not us, took with it how
  TimePoint started;
  TimePoint ended;
  /// Of the child and of its own reaped children. Linux counts the peak memory from before the exec on, so max_rss_kib
  /// is never below our own peak at that moment.
  ResourceUse usage;
};

/// What the caller hears of the child while it runs, on the io_context's thread.
struct ChildCallbacks {
  std::function<void(pid_t)> started;
  std::function<void(std::string_view)> line;  ///< without the newline
  /// Asked right before TERM would be sent, and again each second while it says no. The wait for a yes is bounded by
  /// `unstoppable_limit` after the timeout or stop request, then KILL follows.
  std::function<bool()> may_terminate;
};

inline constexpr Seconds unstoppable_limit{300};

/// Runs a child to its end: until it exits by itself, or the timeout or the StopSignal ends it by TERM to its group,
/// the grace period and KILL. When it has ended, no process of its group is left: the group is killed before the leader
/// is reaped. Who left the group (setsid) is not followed, and does not hold us by keeping the output open either.
///
/// Every line of output is delivered before this returns. An exception from `line` ends the delivery, not the child,
/// and is rethrown at the end; one from `started` or `may_terminate` kills the child and comes at once.
///
/// Cancelling the coroutine has no effect: a child is ended through its StopSignal. Only the one thread that runs the
/// io_context may call this, and other threads may do nothing to that io_context but post.
///
/// Faults: the executable or working directory is missing or not usable, no process could be made. Each message names
/// the path ("/usr/bin/x is not there").
boost::asio::awaitable<Result<ChildExit>> run_child(ChildCommand command, ChildCallbacks callbacks, StopSignal& stop);

/// A process that runs, leads its own process group and has not been reaped. One that is destroyed unreaped is killed
/// with its group.
class RunningChild {
public:
  RunningChild() = default;
  RunningChild(const RunningChild&) = delete;
  RunningChild& operator=(const RunningChild&) = delete;
  virtual ~RunningChild() = default;

  virtual pid_t pid() const = 0;
  virtual Fd take_pidfd() = 0;         ///< readable once the leader has ended (pidfd_open(2))
  virtual Fd take_output() = 0;        ///< reading end of the pipe that is its stdout and stderr, non-blocking
  virtual void terminate() const = 0;  ///< TERM to the group
  virtual void kill() const = 0;       ///< KILL to the group and to the leader, which may have left it

  struct End {
    std::optional<int> status;  ///< as wait(2) tells it; nullopt: nobody knows
    ResourceUse usage;
  };
  /// How a child that has ended did end; to be called once, after kill(). From here on its number may be another
  /// process's.
  virtual boost::asio::awaitable<End> reap() = 0;
};

/// How long a child may run; the fields of the same names in ChildCommand.
struct ChildLimits {
  Seconds timeout{60};
  Seconds grace{10};
  std::size_t line_limit = 64 * 1024;
};

/// What run_child() does with a child once it runs, for one that somebody else has started.
boost::asio::awaitable<ChildExit> supervise(RunningChild& child, ChildLimits limits, ChildCallbacks callbacks,
                                            StopSignal& stop);

/// The end of a child that was not started since stop had been requested already.
ChildExit not_started();

}  // namespace certherd::os
