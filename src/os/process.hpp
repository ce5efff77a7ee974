#pragma once

#include <certherd/base/result.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/fd.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <sys/types.h>

namespace certherd::os {

/// A started child that leads its own process group and has not been reaped. An object that dies before reap() kills
/// the group and reaps it: no way out of a coroutine leaves a child behind.
class Process {
public:
  Process(pid_t pid, Fd pidfd, Fd output);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  Fd& pidfd() { return pidfd_; }    ///< readable once the leader has ended (pidfd_open(2))
  Fd& output() { return output_; }  ///< reading end of the pipe that is its stdout and stderr, non-blocking

  void terminate() const;  ///< TERM to the group
  void kill() const;       ///< KILL to the group and to the leader, which may have left it

  /// How a child that has ended did end; to be called once, after kill(). From here on its number may be another
  /// process's.
  struct End {
    int status = 0;  ///< as wait(2) tells it
    ResourceUse usage;
  };
  End reap();

private:
  pid_t pid_;
  Fd pidfd_;
  Fd output_;
};

/// Starts the child. Returns once the new program runs in it, or with the Fault that says why it does not.
Result<Process> start_process(const boost::asio::any_io_executor& executor, const ChildCommand& command);

}  // namespace certherd::os
