#include <ostream>

#include "../../../src/api/worker_pool.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <support/coroutine.hpp>

#include <atomic>
#include <future>

using namespace certherd;
using api::WorkerPool;

TEST_SUITE("api/worker_pool") {
  TEST_CASE(
      "jobs run side by side up to the number of threads, wait up to the length of the queue, and then are refused") {
    const test::Watchdog watchdog;
    std::promise<void> release;
    const auto released = release.get_future().share();
    std::atomic<int> ran = 0;
    std::atomic<int> inside = 0;
    std::promise<void> both;
    WorkerPool pool(2, 3);
    const auto job = [&] {
      if (++inside == 2) both.set_value();
      released.wait();
      ++ran;
    };
    for (int i = 0; i < 5; ++i) CHECK(pool.submit(job));
    CHECK_FALSE(pool.submit(job));
    both.get_future().wait();
    CHECK_FALSE(pool.submit(job));
    release.set_value();
    // The threads are free again for as many as come one after the other.
    for (int i = 0; i < 100; ++i) {
      std::promise<void> done;
      while (!pool.submit([&] { done.set_value(); })) continue;
      done.get_future().wait();
    }
    pool.stop();
    CHECK(ran == 5);
  }

  TEST_CASE("when it is closed, what waits is forgotten, what runs is awaited and nothing more is taken") {
    const test::Watchdog watchdog;
    std::promise<void> entered;
    std::promise<void> release;
    std::atomic<bool> ran = false;
    std::atomic<bool> second = false;
    WorkerPool pool(1, 10);
    CHECK(pool.submit([&] {
      entered.set_value();
      release.get_future().wait();
      ran = true;
    }));
    CHECK(pool.submit([&] { second = true; }));
    entered.get_future().wait();
    pool.close();
    CHECK_FALSE(pool.submit([] {}));
    release.set_value();
    pool.stop();
    CHECK(ran);
    CHECK_FALSE(second);
  }

  TEST_CASE("its threads take no signals, and the caller keeps its own mask") {
    const test::Watchdog watchdog;
    sigset_t mine;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    CHECK(::sigismember(&mine, SIGTERM) == 0);
    sigset_t theirs;
    WorkerPool pool(1, 0);
    std::promise<void> done;
    CHECK(pool.submit([&] {
      ::pthread_sigmask(SIG_BLOCK, nullptr, &theirs);
      done.set_value();
    }));
    done.get_future().wait();
    CHECK(::sigismember(&theirs, SIGTERM) == 1);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    CHECK(::sigismember(&mine, SIGTERM) == 0);
  }
}
