#pragma once

#include <certherd/base/result.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/fd.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <sys/types.h>

namespace certherd::os {

/// A child of ours. An object that dies before reap() kills the group and reaps it: no way out of a coroutine leaves a
/// child behind.
class Process : public RunningChild {
public:
  Process(pid_t pid, Fd pidfd, Fd output);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process() override;

  pid_t pid() const override { return pid_; }
  Fd take_pidfd() override { return std::move(pidfd_); }
  Fd take_output() override { return std::move(output_); }
  void terminate() const override;
  void kill() const override;
  boost::asio::awaitable<End> reap() override;

private:
  pid_t pid_;
  Fd pidfd_;
  Fd output_;
};

/// Starts the child. Returns once the new program runs in it, or with the Fault that says why it does not.
Result<Process> start_process(const boost::asio::any_io_executor& executor, const ChildCommand& command);

}  // namespace certherd::os
