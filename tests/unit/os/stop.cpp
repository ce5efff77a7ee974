#include <ostream>

#include <certherd/os/stop.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>

using namespace certherd;
using namespace boost::asio::experimental::awaitable_operators;

TEST_SUITE("os/stop") {
  TEST_CASE("a request wakes everybody who waits, and later waits return at once") {
    const test::Watchdog watchdog;
    boost::asio::io_context context{1};
    os::StopSignal stop(context.get_executor());
    int woken = 0;
    const auto wait = [&]() -> boost::asio::awaitable<void> {
      co_await stop.wait();
      ++woken;
    };
    for (int i = 0; i < 3; ++i) boost::asio::co_spawn(context, wait, test::rethrow);
    context.poll();
    CHECK(woken == 0);
    CHECK_FALSE(stop.requested());
    stop.request();
    CHECK(stop.requested());
    boost::asio::co_spawn(context, wait, test::rethrow);
    context.run();
    CHECK(woken == 4);
  }

  TEST_CASE("a wait that is cancelled returns in the ordinary way") {
    boost::asio::io_context context{1};
    os::StopSignal stop(context.get_executor());
    const auto first = [&]() -> boost::asio::awaitable<bool> {
      boost::asio::steady_timer soon(context, std::chrono::seconds(0));
      const auto done = co_await (stop.wait() || soon.async_wait(boost::asio::use_awaitable));
      co_return done.index() == 1;
    };
    CHECK(test::run(context, first()));
    CHECK_FALSE(stop.requested());
  }
}
