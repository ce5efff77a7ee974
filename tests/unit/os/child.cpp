#include <ostream>

#include <certherd/os/child.hpp>
#include <certherd/os/fd.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <support/child_bench.hpp>
#include <support/temp_dir.hpp>

#include <cerrno>
#include <csignal>

using namespace certherd;
using os::ChildCommand;
using test::Lines;
using test::shell;
using Bench = test::ChildBench;

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

  TEST_CASE("the program is told its own name") {
    Bench bench;
    ChildCommand command;
    command.executable = "/bin/cat";
    command.arguments = {"/proc/self/cmdline"};
    REQUIRE(bench.run(command).ok());
    const std::string zero(1, '\0');
    CHECK(bench.lines == Lines{"/bin/cat" + zero + "/proc/self/cmdline" + zero});
  }

  TEST_CASE("a descriptor for its stdin") {
    Bench bench;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const os::Fd reader(ends[0]);
    os::Fd writer(ends[1]);
    REQUIRE(::write(writer.get(), "from here\n", 10) == 10);
    writer.reset();
    ChildCommand command;
    command.executable = "/bin/cat";
    command.input = reader.get();
    REQUIRE(bench.run(command).ok());
    CHECK(bench.lines == Lines{"from here"});
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
}
