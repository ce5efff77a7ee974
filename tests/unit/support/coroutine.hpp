#pragma once

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
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*value);
}

}  // namespace certherd::test
