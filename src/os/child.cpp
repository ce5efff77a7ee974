#include <certherd/os/child.hpp>

#include "line_splitter.hpp"
#include "process.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <exception>

namespace certherd::os {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using Clock = std::chrono::steady_clock;

constexpr auto uncancelled = asio::as_tuple(asio::use_awaitable);

/// How long a pipe is read after every process of the group is gone: what lies in it is there at once, and only
/// somebody who left the group can still hold it open.
constexpr Seconds drain_limit{2};
/// What is left of the patience with a child that must not be ended, once somebody hurries.
constexpr Seconds hurried_limit{10};

/// One child from its start to its reaping.
class Supervision {
public:
  Supervision(const asio::any_io_executor& executor, RunningChild& process, const ChildLimits& limits,
              const ChildCallbacks& callbacks, StopSignal& stop)
      : process_(process),
        limits_(limits),
        callbacks_(callbacks),
        stop_(stop),
        pidfd_(executor, process_.take_pidfd().release()),
        output_(executor, process_.take_output().release()),
        timer_(executor),
        drain_timer_(executor) {
    exit_.started = std::chrono::system_clock::now();
  }

  asio::awaitable<ChildExit> run() {
    if (callbacks_.started) callbacks_.started(process_.pid());
    co_await (read_output() && end());
    co_await reap();
    if (line_error_) std::rethrow_exception(line_error_);
    co_return exit_;
  }

private:
  asio::awaitable<void> read_output() {
    LineSplitter lines(limits_.line_limit, [this](std::string_view line) { deliver(line); });
    std::array<char, 64 * 1024> buffer;
    for (;;) {
      const auto [error, size] = co_await output_.async_read_some(asio::buffer(buffer), uncancelled);
      lines.feed({buffer.data(), size});
      if (error) break;
    }
    lines.finish();
    output_ended_ = true;
    drain_timer_.cancel();
  }

  void deliver(std::string_view line) {
    if (line_error_ || !callbacks_.line) return;
    try {
      callbacks_.line(line);
    } catch (...) {
      line_error_ = std::current_exception();
    }
  }

  /// From the start to a leader that has ended, a group that is gone and a pipe that is read.
  asio::awaitable<void> end() {
    const auto deadline = Clock::now() + limits_.timeout;
    co_await (exited_before(deadline) || stop_.wait());
    if (!exited()) co_await end_early();
    // The leader is a zombie now, so its number, which is the group's, cannot belong to anybody else.
    process_.kill();
    drain_timer_.expires_after(drain_limit);
    if (!output_ended_) co_await drain_timer_.async_wait(uncancelled);
    output_.close();
  }

  asio::awaitable<void> end_early() {
    const bool stopped = stop_.requested();
    auto patience = Clock::now() + unstoppable_limit;
    bool allowed = may_terminate();
    while (!allowed && Clock::now() < patience) {
      if (co_await exited_before(Clock::now() + Seconds(1))) co_return;
      if (stop_.hurried()) patience = std::min(patience, Clock::now() + hurried_limit);
      allowed = may_terminate();
    }
    (stopped ? exit_.stopped : exit_.timed_out) = true;
    if (allowed) {
      process_.terminate();
      co_await (exited_before(Clock::now() + limits_.grace) || stop_.wait_for_hurry());
      if (exited()) co_return;
    }
    exit_.killed = true;
    process_.kill();
    co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, uncancelled);
  }

  bool may_terminate() const { return !callbacks_.may_terminate || callbacks_.may_terminate(); }

  asio::awaitable<bool> exited_before(Clock::time_point deadline) {
    timer_.expires_at(deadline);
    co_await (pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, uncancelled) ||
              timer_.async_wait(uncancelled));
    co_return exited();
  }

  bool exited() {
    pollfd leader{pidfd_.native_handle(), POLLIN, 0};
    return ::poll(&leader, 1, 0) == 1;
  }

  asio::awaitable<void> reap() {
    exit_.ended = std::chrono::system_clock::now();
    const auto end = co_await process_.reap();
    exit_.usage = end.usage;
    if (!end.status) {
      exit_.unknown = true;
    } else if (WIFSIGNALED(*end.status)) {
      exit_.signal = WTERMSIG(*end.status);
    } else {
      exit_.exit_code = WEXITSTATUS(*end.status);
    }
  }

  RunningChild& process_;
  const ChildLimits& limits_;
  const ChildCallbacks& callbacks_;
  StopSignal& stop_;
  asio::posix::stream_descriptor pidfd_;
  asio::posix::stream_descriptor output_;
  asio::steady_timer timer_;
  asio::steady_timer drain_timer_;
  bool output_ended_ = false;
  std::exception_ptr line_error_;
  ChildExit exit_;
};

}  // namespace

ChildExit not_started() {
  ChildExit exit;
  exit.stopped = true;
  exit.started = exit.ended = std::chrono::system_clock::now();
  return exit;
}

asio::awaitable<ChildExit> supervise(RunningChild& child, ChildLimits limits, ChildCallbacks callbacks,
                                     StopSignal& stop) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto executor = co_await asio::this_coro::executor;
  Supervision supervision(executor, child, limits, callbacks, stop);
  co_return co_await supervision.run();
}

asio::awaitable<Result<ChildExit>> run_child(ChildCommand command, ChildCallbacks callbacks, StopSignal& stop) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (stop.requested()) co_return not_started();
  const auto executor = co_await asio::this_coro::executor;
  auto started = start_process(executor, command);
  if (!started) co_return started.fault();
  Process process = std::move(started).value();
  const ChildLimits limits{command.timeout, command.grace, command.line_limit};
  co_return co_await supervise(process, limits, std::move(callbacks), stop);
}

}  // namespace certherd::os
