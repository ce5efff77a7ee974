#pragma once

#include <certherd/os/stop.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <exception>
#include <optional>
#include <utility>

namespace certherd::test {

/// Ends the whole test program by SIGALRM if a case hangs: the only clock a test may use.
class Watchdog {
public:
  explicit Watchdog(unsigned seconds = 120) { ::alarm(seconds); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { ::alarm(0); }
};

/// What co_spawn() does at the end of a coroutine nobody waits for: its exception comes out of run() of the io_context.
inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

/// Runs one coroutine on the io_context until it ends; gives its value or throws what it threw.
template <class T>
T run(boost::asio::io_context& context, boost::asio::awaitable<T> coroutine) {
  const Watchdog watchdog;
  std::optional<T> value;
  std::exception_ptr thrown;
  boost::asio::co_spawn(
      context, [&]() -> boost::asio::awaitable<void> { value.emplace(co_await std::move(coroutine)); },
      [&](std::exception_ptr error) { thrown = error; });
  context.restart();
  context.run();
  rethrow(thrown);
  return std::move(*value);
}

/// Runs the coroutine that `make` gives for a StopSignal, on an io_context of its own.
template <class Make>
auto run_with_stop(Make make) {
  boost::asio::io_context context{1};
  os::StopSignal stop(context.get_executor());
  return run(context, make(stop));
}

/// The same where others, such as a server, go on after it.
template <class T>
T run_among_others(boost::asio::io_context& context, boost::asio::awaitable<T> coroutine) {
  const Watchdog watchdog;
  std::optional<T> value;
  std::exception_ptr thrown;
  bool ended = false;
  boost::asio::co_spawn(
      context, [&]() -> boost::asio::awaitable<void> { value.emplace(co_await std::move(coroutine)); },
      [&](std::exception_ptr error) {
        thrown = error;
        ended = true;
      });
  context.restart();
  while (!ended) context.run_one();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*value);
}

}  // namespace certherd::test
