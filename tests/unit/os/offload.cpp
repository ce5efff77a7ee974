#include <ostream>

#include <certherd/base/result.hpp>
#include <certherd/os/offload.hpp>

#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>

#include <stdexcept>
#include <string>
#include <thread>

using namespace certherd;
using boost::asio::awaitable;

TEST_SUITE("os/offload") {
  TEST_CASE("the work runs on the pool and the caller goes on where it was") {
    boost::asio::io_context context{1};
    boost::asio::thread_pool pool{1};
    const auto here = std::this_thread::get_id();
    const auto caller = [&]() -> awaitable<bool> {
      auto work = [] { return std::this_thread::get_id(); };
      const auto there = co_await os::offload(pool, std::move(work));
      co_return there != here&& std::this_thread::get_id() == here;
    };
    CHECK(test::run(context, caller()));
  }

  TEST_CASE("a Result, which has no default, comes back; strings in captures stay whole") {
    boost::asio::io_context context{1};
    boost::asio::thread_pool pool{1};
    const auto caller = [&](std::string text) -> awaitable<Result<std::string>> {
      auto work = [text]() -> Result<std::string> { return text + "!"; };
      co_return co_await os::offload(pool, std::move(work));
    };
    CHECK(*test::run(context, caller("short")) == "short!");
    CHECK(*test::run(context, caller(std::string(100, 'x'))) == std::string(100, 'x') + "!");
  }

  TEST_CASE("work without a value") {
    boost::asio::io_context context{1};
    boost::asio::thread_pool pool{1};
    const auto caller = [&]() -> awaitable<int> {
      int done = 0;
      auto work = [&done] { done = 1; };
      co_await os::offload(pool, std::move(work));
      co_return done;
    };
    CHECK(test::run(context, caller()) == 1);
  }

  TEST_CASE("what the work throws is thrown at the caller") {
    boost::asio::io_context context{1};
    boost::asio::thread_pool pool{1};
    const auto caller = [&]() -> awaitable<int> {
      auto work = []() -> int { throw std::runtime_error("disk full"); };
      co_return co_await os::offload(pool, std::move(work));
    };
    CHECK_THROWS_WITH(test::run(context, caller()), "disk full");
  }
}
