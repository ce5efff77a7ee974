#include <ostream>

#include <certherd/os/child.hpp>

#include <boost/asio/co_spawn.hpp>

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <support/child_bench.hpp>
#include <support/temp_dir.hpp>

#include <csignal>
#include <fstream>
#include <stdexcept>

using namespace certherd;
using os::ChildCallbacks;
using test::Lines;
using test::shell;
using Bench = test::ChildBench;

namespace {

pid_t to_pid(const std::string& text) {
  return static_cast<pid_t>(std::stol(text));
}

bool alive(pid_t pid) {
  // A killed orphan stays a zombie until init reaps it, which in a container may be never.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return false;
  return text.substr(text.rfind(')') + 2, 1) != "Z";
}

/// Until a process that was sent KILL is gone; the watchdog ends a wait in vain.
void await_death(pid_t pid) {
  const test::Watchdog watchdog(30);
  while (alive(pid)) ::sched_yield();
}

}  // namespace

TEST_SUITE("os/child_end") {
  TEST_CASE("a polite child ends by TERM at the timeout") {
    Bench bench;
    auto command = shell("trap 'echo cleaned; exit 3' TERM; echo ready; sleep 600 & wait");
    command.timeout = Seconds(1);
    const auto exit = bench.run(command);
    CHECK(exit->timed_out);
    CHECK_FALSE(exit->killed);
    CHECK_FALSE(exit->stopped);
    CHECK(exit->exit_code == 3);
    CHECK(bench.lines == Lines{"ready", "cleaned"});
  }

  TEST_CASE("a stubborn child is KILLed after the grace") {
    Bench bench;
    auto command = shell("trap '' TERM; while :; do sleep 0.01; done");
    command.timeout = Seconds(1);
    command.grace = Seconds(1);
    const auto exit = bench.run(command);
    CHECK(exit->timed_out);
    CHECK(exit->killed);
    CHECK(exit->signal == SIGKILL);
  }

  TEST_CASE("a child that closes its output runs on until it ends") {
    Bench bench;
    const auto exit = bench.run("exec >&- 2>&-; sleep 0.2; exit 5");
    CHECK(exit->exit_code == 5);
    CHECK_FALSE(exit->timed_out);
  }

  TEST_CASE("a stop ends a running child by TERM") {
    Bench bench;
    bench.stop_at_line();
    const auto exit = bench.run("echo ready; exec sleep 600");
    CHECK(exit->stopped);
    CHECK_FALSE(exit->timed_out);
    CHECK(exit->signal == SIGTERM);
  }

  TEST_CASE("after a stop nothing is started") {
    const test::TempDir dir;
    Bench bench;
    bench.stop.request();
    const auto exit = bench.run("touch " + (dir.path() / "ran").string());
    REQUIRE(exit.ok());
    CHECK(exit->stopped);
    CHECK_FALSE(exit->exit_code.has_value());
    CHECK_FALSE(exit->signal.has_value());
    CHECK_FALSE(std::filesystem::exists(dir.path() / "ran"));
  }

  TEST_CASE("TERM waits until it is allowed") {
    Bench bench;
    bench.stop_at_line();
    int asked = 0;
    bench.callbacks.may_terminate = [&] { return ++asked > 2; };
    const auto exit = bench.run("echo ready; exec sleep 600");
    CHECK(asked == 3);
    CHECK(exit->stopped);
    CHECK(exit->signal == SIGTERM);
  }

  TEST_CASE("a child that ends by itself while TERM is not allowed was not stopped by us") {
    Bench bench;
    bench.stop_at_line();
    bench.callbacks.may_terminate = [] { return false; };
    const auto exit = bench.run("echo ready; sleep 0.1; exit 0");
    CHECK(exit->exit_code == 0);
    CHECK_FALSE(exit->stopped);
  }

  TEST_CASE("a grandchild in the group is gone when the child has ended") {
    Bench bench;
    const auto exit = bench.run("sleep 600 >/dev/null 2>&1 & echo $!");
    CHECK(exit->exit_code == 0);
    REQUIRE(bench.lines.size() == 1);
    await_death(to_pid(bench.lines[0]));
  }

  TEST_CASE("a grandchild that keeps the pipe open does not hold us") {
    Bench bench;
    const auto exit = bench.run("sleep 600 & echo done");
    CHECK(exit->exit_code == 0);
    CHECK(bench.lines == Lines{"done"});
  }

  TEST_CASE("a daemon that left the group and keeps the pipe open does not hold us either") {
    Bench bench;
    const test::TempDir dir;
    // Our child ends only when the daemon has left: a group is not spared because somebody was about to leave it.
    const std::string left = (dir.path() / "left").string();
    const auto exit = bench.run("setsid sh -c 'echo $$; touch " + left + "; exec sleep 600' & while [ ! -e " + left +
                                " ]; do sleep 0.02; done; exit 4");
    CHECK(exit->exit_code == 4);
    REQUIRE(bench.lines.size() == 1);
    CHECK(::kill(to_pid(bench.lines[0]), SIGKILL) == 0);
  }

  TEST_CASE("a stubborn grandchild falls with the group") {
    Bench bench;
    auto command = shell("trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & wait; wait");
    command.timeout = Seconds(1);
    command.grace = Seconds(1);
    const auto exit = bench.run(command);
    CHECK(exit->killed);
    REQUIRE(bench.lines.size() == 1);
    await_death(to_pid(bench.lines[0]));
  }

  TEST_CASE("fifty children at once keep their own exits and lines") {
    Bench bench;
    std::vector<int> codes(50, -1);
    std::vector<Lines> lines(50);
    const test::Watchdog watchdog;
    for (int i = 0; i < 50; ++i) {
      ChildCallbacks callbacks;
      callbacks.line = [&lines, i](std::string_view line) { lines[i].emplace_back(line); };
      const auto number = std::to_string(i);
      boost::asio::co_spawn(
          bench.context,
          [&, i, callbacks, number]() -> boost::asio::awaitable<void> {
            auto exit = co_await os::run_child(shell("echo a" + number + "; sleep 0.1; echo b; exit " + number),
                                               callbacks, bench.stop);
            codes[i] = exit->exit_code.value_or(-2);
          },
          test::rethrow);
    }
    bench.context.run();
    for (int i = 0; i < 50; ++i) {
      CHECK(codes[i] == i);
      CHECK(lines[i] == Lines{"a" + std::to_string(i), "b"});
    }
  }

  TEST_CASE("a busy child has used processor time and memory") {
    Bench bench;
    const auto exit = bench.run("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    CHECK(exit->usage.user.count() > 0);
    CHECK(exit->usage.max_rss_kib > 0);
  }

  TEST_CASE("what `line` throws comes at the end, and the child runs to its own end") {
    const test::TempDir dir;
    Bench bench;
    int heard = 0;
    bench.callbacks.line = [&](std::string_view) {
      ++heard;
      throw std::runtime_error("disk full");
    };
    const std::string script = "echo 1; echo 2; touch " + (dir.path() / "end").string();
    CHECK_THROWS_WITH(bench.run(script), "disk full");
    CHECK(heard == 1);
    CHECK(std::filesystem::exists(dir.path() / "end"));
  }

  TEST_CASE("what `may_terminate` throws comes at once, and no child is left") {
    Bench bench;
    bench.stop_at_line();
    bench.callbacks.may_terminate = []() -> bool { throw std::runtime_error("no answer"); };
    CHECK_THROWS_WITH(bench.run("echo $$; exec sleep 600"), "no answer");
    REQUIRE(bench.lines.size() == 1);
    CHECK_FALSE(alive(to_pid(bench.lines[0])));
  }

  TEST_CASE("an io_context that is destroyed leaves no child behind") {
    pid_t pid = 0;
    {
      Bench bench;
      bench.callbacks.started = [&](pid_t started) {
        pid = started;
        bench.context.stop();
      };
      boost::asio::co_spawn(
          bench.context,
          [&]() -> boost::asio::awaitable<void> {
            const auto exit = co_await os::run_child(shell("exec sleep 600"), bench.callbacks, bench.stop);
            FAIL_CHECK("ended with " << exit.ok());
          },
          [](std::exception_ptr) {});
      bench.context.run();
    }
    REQUIRE(pid > 0);
    CHECK_FALSE(alive(pid));
  }

  TEST_CASE("a child with a parent death signal gets it when its parent is killed") {
    const test::TempDir dir;
    const auto trace = dir.path() / "trace";
    // A process between us and the child, which can be killed without harm to the tests.
    const pid_t parent = ::fork();
    REQUIRE(parent >= 0);
    if (parent == 0) {
      boost::asio::io_context context{1};
      os::StopSignal stop(context.get_executor());
      auto command = shell("trap 'echo cleaned > " + trace.string() +
                           "; exit' TERM; echo ready; "
                           "while :; do sleep 0.01; done");
      command.parent_death_signal = SIGTERM;
      ChildCallbacks callbacks;
      callbacks.line = [](std::string_view) { ::raise(SIGKILL); };
      try {
        test::run(context, os::run_child(command, callbacks, stop)).or_throw();
      } catch (...) {
      }
      ::_exit(1);
    }
    int status = 0;
    REQUIRE(::waitpid(parent, &status, 0) == parent);
    REQUIRE(WIFSIGNALED(status));
    const test::Watchdog watchdog(30);
    while (!std::filesystem::exists(trace)) ::sched_yield();
    CHECK(std::filesystem::exists(trace));
  }
}
