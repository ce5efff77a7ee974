#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/os/processes.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>
#include <support/stranger.hpp>
#include <support/temp_dir.hpp>

#include <algorithm>
#include <utility>

using namespace certherd;
using os::EndOptions;
using os::GroupEnd;
using test::Stranger;

namespace {

/// The process that has this argument; the first one: what it forked may have the same.
os::ProcessInfo found(const std::string& argument) {
  auto all = os::find_processes([&](const std::vector<std::string>& argv) {
    return std::find(argv.begin(), argv.end(), argument) != argv.end();
  });
  REQUIRE_FALSE(all.empty());
  const auto earlier = [](const os::ProcessInfo& a, const os::ProcessInfo& b) {
    return std::pair(a.pid != a.group, a.pid) < std::pair(b.pid != b.group, b.pid);
  };
  return *std::min_element(all.begin(), all.end(), earlier);
}

GroupEnd end(const os::ProcessInfo& process, EndOptions options) {
  return test::run_with_stop([&](os::StopSignal& stop) { return os::end_group(process, options, stop); });
}

/// An argument that no other process has.
std::string mark() {
  static int count = 0;
  return "certherd-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

TEST_SUITE("os/processes") {
  TEST_CASE("found by its arguments, with empty ones and odd bytes") {
    const auto argument = mark();
    const Stranger stranger("echo ready; sleep 600 & wait", {"", "a b\nc", argument});
    const auto process = found(argument);
    CHECK(process.pid == stranger.pid());
    CHECK(process.group == stranger.pid());
    CHECK(process.started > 0);
    REQUIRE(process.argv.size() == 7);
    CHECK(process.argv[0] == "/bin/sh");
    CHECK(process.argv[4] == "");
    CHECK(process.argv[5] == "a b\nc");
  }

  TEST_CASE("neither ourselves nor what has ended is found") {
    const auto all = os::find_processes([](const std::vector<std::string>&) { return true; });
    CHECK_FALSE(all.empty());
    for (const auto& process : all) CHECK(process.pid != ::getpid());
    const auto argument = mark();
    Stranger stranger("echo ready", {argument});
    while (stranger.runs()) continue;
    CHECK(os::find_processes([&](const std::vector<std::string>& argv) {
            return std::find(argv.begin(), argv.end(), argument) != argv.end();
          }).empty());
  }

  TEST_CASE("processes that end while they are looked at are no harm") {
    const auto argument = mark();
    // Each runs a moment only, so some end between the opening of their files in /proc and the reading.
    const Stranger stranger("echo ready; for i in 1 2 3 4; do while :; do /bin/true; done & done; wait", {argument});
    for (int round = 0; round < 100; ++round) (void)found(argument);
  }

  TEST_CASE("TERM suffices for a polite one; its group goes with it") {
    const auto argument = mark();
    Stranger stranger("trap 'exit 3' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; wait", {argument});
    const auto left_over = static_cast<pid_t>(*parse_number(trim(stranger.said())));
    CHECK(end(found(argument), {Seconds(0), Seconds(30)}) == GroupEnd::terminated);
    CHECK(stranger.end() == "exit 3");
    const test::Watchdog watchdog(30);
    const auto stays = [&](const std::vector<std::string>&) { return true; };
    for (bool there = true; there;) {
      const auto all = os::find_processes(stays);
      there = std::any_of(all.begin(), all.end(), [&](const auto& process) { return process.pid == left_over; });
    }
  }

  TEST_CASE("a stubborn one is KILLed after the grace") {
    const auto argument = mark();
    Stranger stranger("trap '' TERM; echo ready; while :; do sleep 0.05; done", {argument});
    CHECK(end(found(argument), {Seconds(0), Seconds(1)}) == GroupEnd::killed);
    CHECK(stranger.end() == "signal 9");
  }

  TEST_CASE("one that ends within the patience is not signalled") {
    const auto argument = mark();
    Stranger stranger("trap 'exit 3' TERM; echo ready; sleep 0.3; exit 4", {argument});
    CHECK(end(found(argument), {Seconds(60), Seconds(60)}) == GroupEnd::by_itself);
    CHECK(stranger.end() == "exit 4");
  }

  TEST_CASE("patience comes to its end") {
    const auto argument = mark();
    Stranger stranger("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done", {argument});
    CHECK(end(found(argument), {Seconds(1), Seconds(60)}) == GroupEnd::terminated);
    CHECK(stranger.end() == "exit 3");
  }

  TEST_CASE("a number that belongs to another process now is left alone") {
    const auto argument = mark();
    Stranger stranger("echo ready; while :; do sleep 0.05; done", {argument});
    auto process = found(argument);
    --process.started;
    CHECK(end(process, {Seconds(0), Seconds(1)}) == GroupEnd::by_itself);
    CHECK(stranger.runs());
    process.pid = process.group = 1 << 30;
    CHECK(end(process, {Seconds(0), Seconds(1)}) == GroupEnd::by_itself);
  }

  TEST_CASE("of a group that it does not lead nobody else is hit") {
    const auto argument = mark();
    Stranger stranger(
        "/bin/sh -c 'echo ready; while :; do sleep 0.05; done' member " + argument + " & wait $!; sleep 0.2; exit 7",
        {"leader"});
    const auto process = found(argument);
    CHECK(process.group == stranger.pid());
    CHECK(end(process, {Seconds(0), Seconds(30)}) == GroupEnd::terminated);
    CHECK(stranger.end() == "exit 7");
  }

  TEST_CASE("a stop ends the waiting, not the process") {
    const auto argument = mark();
    Stranger stranger("trap '' TERM; echo ready; while :; do sleep 0.05; done", {argument});
    const auto process = found(argument);
    for (const EndOptions options : {EndOptions{Seconds(600), Seconds(600)}, EndOptions{Seconds(0), Seconds(600)}}) {
      boost::asio::io_context context{1};
      os::StopSignal stop(context.get_executor());
      boost::asio::steady_timer timer(context, std::chrono::milliseconds(200));
      timer.async_wait([&](const boost::system::error_code&) { stop.request(); });
      CHECK(test::run(context, os::end_group(process, options, stop)) == GroupEnd::left);
      CHECK(stranger.runs());
    }
  }
}
