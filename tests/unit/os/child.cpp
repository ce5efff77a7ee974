#include <ostream>

#include <certherd/os/child.hpp>
#include <certherd/os/fd.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <support/coroutine.hpp>
#include <support/temp_dir.hpp>

#include <algorithm>
#include <csignal>

using namespace certherd;
using os::ChildCallbacks;
using os::ChildCommand;
using os::ChildExit;

namespace {

using Lines = std::vector<std::string>;

ChildCommand shell(const std::string& script) {
  ChildCommand command;
  command.executable = "/bin/sh";
  command.arguments = {"-c", script};
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  return command;
}

/// Runs children on a context of their own and collects their lines.
struct Bench {
  boost::asio::io_context context{1};
  os::StopSignal stop{context.get_executor()};
  Lines lines;
  ChildCallbacks callbacks;

  Bench() {
    callbacks.line = [this](std::string_view line) { lines.emplace_back(line); };
  }
  Result<ChildExit> run(const ChildCommand& command) {
    return test::run(context, os::run_child(command, callbacks, stop));
  }
  Result<ChildExit> run(const std::string& script) { return run(shell(script)); }
};

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

TEST_SUITE("os/child") {
  TEST_CASE("a child that ends well has exit code 0 and no signal") {
    Bench bench;
    const auto exit = bench.run("echo hello");
    REQUIRE(exit.ok());
    CHECK(exit->exit_code == 0);
    CHECK_FALSE(exit->signal.has_value());
    CHECK_FALSE((exit->timed_out || exit->stopped || exit->killed));
    CHECK(exit->started <= exit->ended);
    CHECK(bench.lines == Lines{"hello"});
  }

  TEST_CASE("exit code 9 and signal 9 are told apart") {
    Bench bench;
    const auto code = bench.run("exit 9");
    CHECK(code->exit_code == 9);
    CHECK_FALSE(code->signal.has_value());
    const auto signal = bench.run("kill -KILL $$");
    CHECK(signal->signal == SIGKILL);
    CHECK_FALSE(signal->exit_code.has_value());
  }

  TEST_CASE("the number that `started` hears is the child's") {
    Bench bench;
    pid_t pid = 0;
    bench.callbacks.started = [&](pid_t started) { pid = started; };
    REQUIRE(bench.run("echo $$").ok());
    CHECK(bench.lines == Lines{std::to_string(pid)});
  }

  TEST_CASE("an argument arrives as it is, without a shell in between") {
    Bench bench;
    ChildCommand command;
    command.executable = "/usr/bin/printf";
    command.arguments = {"%s\\n", "a b", "$HOME", "", "'\"; rm"};
    REQUIRE(bench.run(command).ok());
    CHECK(bench.lines == Lines{"a b", "$HOME", "", "'\"; rm"});
  }

  TEST_CASE("the environment is the one given and nothing else") {
    Bench bench;
    ChildCommand command;
    command.executable = "/usr/bin/env";
    command.environment = {{"B", "2=3"}, {"A", ""}};
    REQUIRE(bench.run(command).ok());
    CHECK(bench.lines == Lines{"B=2=3", "A="});
  }

  TEST_CASE("the child starts in its working directory") {
    const test::TempDir dir;
    Bench bench;
    auto command = shell("pwd");
    command.working_directory = dir.path();
    REQUIRE(bench.run(command).ok());
    CHECK(bench.lines == Lines{dir.path().string()});
  }

  TEST_CASE("stdin is empty") {
    Bench bench;
    REQUIRE(bench.run("cat; readlink /proc/$$/fd/0").ok());
    CHECK(bench.lines == Lines{"/dev/null"});
  }

  TEST_CASE("no descriptor but 0, 1 and 2 is open in the child") {
    const test::TempDir dir;
    const os::Fd low(::open("/dev/null", O_RDONLY));
    const os::Fd high(::fcntl(low.get(), F_DUPFD, 200));
    REQUIRE(high.get() >= 200);
    Bench bench;
    // A shell opens nothing of its own for a glob over its own directory but the directory itself.
    REQUIRE(bench.run("cd /proc/$$/fd && for fd in *; do test -e $fd && echo $fd; done; true").ok());
    CHECK(bench.lines == Lines{"0", "1", "2"});
  }

  TEST_CASE("the child leads its own process group") {
    Bench bench;
    REQUIRE(bench.run("read -r _ _ _ _ group _ < /proc/$$/stat; test $group = $$ && echo leads").ok());
    CHECK(bench.lines == Lines{"leads"});
  }

  TEST_CASE("signals that are ignored or blocked here are at their defaults in the child") {
    sigset_t usr1;
    sigset_t before;
    ::sigemptyset(&usr1);
    ::sigaddset(&usr1, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &usr1, &before);
    const auto pipe_before = std::signal(SIGPIPE, SIG_IGN);
    const auto hangup_before = std::signal(SIGHUP, SIG_IGN);
    Bench bench;
    ChildCommand command;
    command.executable = "/usr/bin/grep";
    command.arguments = {"-E", "Sig(Blk|Ign)", "/proc/self/status"};
    const auto done = bench.run(command);
    std::signal(SIGPIPE, pipe_before);
    std::signal(SIGHUP, hangup_before);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    REQUIRE(done.ok());
    CHECK(bench.lines == Lines{"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"});
  }

  TEST_CASE("both streams arrive in the order written") {
    Bench bench;
    REQUIRE(bench.run("echo 1; echo 2 >&2; echo 3; echo 4 >&2").ok());
    CHECK(bench.lines == Lines{"1", "2", "3", "4"});
  }

  TEST_CASE("a last line without a newline and an empty line are delivered") {
    Bench bench;
    REQUIRE(bench.run("printf 'a\\n\\nlast'").ok());
    CHECK(bench.lines == Lines{"a", "", "last"});
  }

  TEST_CASE("a line of 200 kB is cut at the limit and says so") {
    Bench bench;
    REQUIRE(bench.run("head -c 200000 /dev/zero | tr '\\0' x; echo; echo next").ok());
    REQUIRE(bench.lines.size() == 2);
    CHECK(bench.lines[0] == std::string(65536, 'x') + " [134464 bytes dropped]");
    CHECK(bench.lines[1] == "next");
  }

  TEST_CASE("100 MB of output without a newline are read in bounded memory") {
    Bench bench;
    const auto peak = [] {
      rusage used{};
      ::getrusage(RUSAGE_SELF, &used);
      return used.ru_maxrss;
    };
    const long before = peak();
    const auto exit = bench.run("head -c 100000000 /dev/zero");
    CHECK(exit->exit_code == 0);
    REQUIRE(bench.lines.size() == 1);
    CHECK(bench.lines[0].ends_with("[99934464 bytes dropped]"));
    CHECK(peak() - before < 20 * 1024);
  }

  TEST_CASE("a missing executable is told") {
    Bench bench;
    ChildCommand command;
    command.executable = "/nonexistent/x";
    CHECK(bench.run(command).fault().text() == "/nonexistent/x is not there; install it or correct the path");
  }

  TEST_CASE("an executable that is not executable is told") {
    const test::TempDir dir;
    ChildCommand command;
    command.executable = dir.write("plain", "#!/bin/sh\n");
    Bench bench;
    CHECK(bench.run(command).fault().message == command.executable.string() + " is not executable");
  }

  TEST_CASE("a script whose interpreter is missing is told from a missing script") {
    const test::TempDir dir;
    ChildCommand command;
    command.executable = dir.write("script", "#!/nonexistent/python\n");
    ::chmod(command.executable.c_str(), 0755);
    Bench bench;
    CHECK(bench.run(command).fault().message ==
          command.executable.string() + " needs an interpreter that is not there");
  }

  TEST_CASE("a file that is no program is told") {
    const test::TempDir dir;
    ChildCommand command;
    command.executable = dir.write("text", "hello\n");
    ::chmod(command.executable.c_str(), 0755);
    Bench bench;
    CHECK(bench.run(command).fault().message == command.executable.string() + " is not a program");
  }

  TEST_CASE("a relative executable is refused") {
    Bench bench;
    ChildCommand command;
    command.executable = "sh";
    CHECK(bench.run(command).fault().message == "cannot start sh: it is not an absolute path");
  }

  TEST_CASE("a missing working directory is told from a missing executable") {
    Bench bench;
    auto command = shell("true");
    command.working_directory = "/nonexistent";
    CHECK(bench.run(command).fault().message == "the working directory /nonexistent is not there");
    command.working_directory = "/dev/null";
    CHECK(bench.run(command).fault().message == "the working directory /dev/null cannot be entered: Not a directory");
  }

  TEST_CASE("arguments too long for the kernel are told") {
    Bench bench;
    auto command = shell("true");
    command.arguments.push_back(std::string(3'000'000, 'x'));
    CHECK(bench.run(command).fault().message == "cannot start /bin/sh: Argument list too long");
  }

  TEST_CASE("without a descriptor left the fault says so, and nothing is left behind") {
    Bench bench;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const os::Fd next(::open("/dev/null", O_RDONLY));
    const rlimit none{static_cast<rlim_t>(next.get()), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto exit = bench.run("true");
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(exit.fault().message == "cannot start /bin/sh: Too many open files");
    CHECK(bench.run("true")->exit_code == 0);
  }

  TEST_CASE("a failed start leaves no zombie and no descriptor") {
    const auto open_descriptors = [] {
      return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    Bench bench;
    ChildCommand command;
    command.executable = "/nonexistent/x";
    REQUIRE_FALSE(bench.run(command).ok());
    const auto before = open_descriptors();
    for (int i = 0; i < 20; ++i) REQUIRE_FALSE(bench.run(command).ok());
    CHECK(open_descriptors() == before);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
  }

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
    bench.callbacks.line = [&](std::string_view) { bench.stop.request(); };
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
    bench.callbacks.line = [&](std::string_view line) {
      bench.lines.emplace_back(line);
      bench.stop.request();
    };
    int asked = 0;
    bench.callbacks.may_terminate = [&] { return ++asked > 2; };
    const auto exit = bench.run("echo ready; exec sleep 600");
    CHECK(asked == 3);
    CHECK(exit->stopped);
    CHECK(exit->signal == SIGTERM);
  }

  TEST_CASE("a child that ends by itself while TERM is not allowed was not stopped by us") {
    Bench bench;
    bench.callbacks.line = [&](std::string_view) { bench.stop.request(); };
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
    const auto exit = bench.run("setsid sh -c 'echo $$; exec sleep 600' & sleep 0.2; exit 4");
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
          [](std::exception_ptr error) {
            if (error) std::rethrow_exception(error);
          });
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
    bench.callbacks.line = [&](std::string_view line) {
      bench.lines.emplace_back(line);
      bench.stop.request();
    };
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
