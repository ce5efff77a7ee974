// Boost.Process v2 as it is in 1.81 is used in one narrow way. What is worked around here:
//  - without separate compilation it does not link: boost_process.cpp holds the compiled part;
//  - process::native_handle() does not compile on Linux: the pidfd is our own;
//  - its launchers leak descriptors into the child (close_handles.ipp compares a list entry with itself), run the
//    parent's atexit handlers in a child whose exec failed, lose error codes, and fork: copying the parent's page
//    tables and each page written since costs more than all the rest of a start. VforkLauncher is our own;
//  - build_argv_ takes a path by reference and keeps a pointer into it: one made of a string on the spot is gone;
//  - bind_fd returns nothing from a function that must return: descriptors are set up by ChildSetup;
//  - a child whose exec failed stays a zombie: it is reaped here;
//  - async_wait ends in a blocking waitpid, cannot tell exit code 9 from signal 9, and the destructor signals a number
//    that may be recycled: the handle is detached at once, and Process waits, kills and reaps.
// A newer Boost may need less of this; nothing outside this file would notice.
#include "process.hpp"

#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace certherd::os {
namespace {

namespace bp = boost::process::v2;

/// What the child was doing when it failed.
enum class Step { setup, directory, exec };

struct StartError {
  Step step = Step::setup;
  int error = 0;  ///< errno; 0: the program runs
};

/// Runs in the child between vfork and exec, in the memory of its parent, whose thread stands still meanwhile: nothing
/// here may allocate, throw, take a lock or write to anything but `failure`.
struct ChildSetup {
  int output = -1;
  int input = -1;  ///< -1: /dev/null
  const char* directory = nullptr;
  char* const* environment = nullptr;
  int parent_death_signal = 0;
  pid_t parent = 0;
  volatile StartError* failure = nullptr;

  template <class Launcher, class Path>
  [[noreturn]] boost::system::error_code on_exec_setup(Launcher&, const Path& executable,
                                                       const char* const*(&arguments)) {
    // It may be 0 to 2 in a parent that was itself started without them.
    const int pipe = ::fcntl(output, F_DUPFD_CLOEXEC, 3);
    if (!wire(pipe)) fail(Step::setup);
    if (::chdir(directory) != 0) fail(Step::directory);
    reset_signals();
    ::execve(executable.c_str(), const_cast<char* const*>(arguments), environment);
    fail(Step::exec);
  }

private:
  bool wire(int pipe) const {
    if (::setpgid(0, 0) != 0) return false;
    if (parent_death_signal != 0 && ::prctl(PR_SET_PDEATHSIG, parent_death_signal) != 0) return false;
    // The parent may have died before the line above.
    if (parent_death_signal != 0 && ::getppid() != parent) ::_exit(1);
    // Above those that are about to be replaced.
    const int source = input < 0 ? ::open("/dev/null", O_RDONLY) : ::fcntl(input, F_DUPFD_CLOEXEC, 3);
    if (source < 0 || ::dup2(source, STDIN_FILENO) < 0) return false;
    if (::dup2(pipe, STDOUT_FILENO) < 0 || ::dup2(pipe, STDERR_FILENO) < 0) return false;
    return ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  }

  /// An ignored signal stays ignored through exec: a child that inherited SIGPIPE or SIGTERM that way would misbehave.
  static void reset_signals() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal)
      (void)::sigaction(signal, &standard, nullptr);  // KILL and STOP refuse
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  [[noreturn]] void fail(Step step) const {
    failure->error = errno;
    failure->step = step;
    ::_exit(127);
  }
};

/// Boost's launcher with vfork. The io_context is told nothing: there is no copy of it.
struct VforkLauncher : bp::posix::default_launcher {
  template <class Executor>
  bp::basic_process<Executor> operator()(const Executor& executor, boost::system::error_code& error,
                                         const std::string& executable, const std::vector<std::string>& arguments,
                                         ChildSetup& setup) {
    const bp::filesystem::path program(executable);  // argv[0] points into it
    const char* const* argv = build_argv_(program, arguments);
    pid = ::vfork();
    if (pid == 0) setup.on_exec_setup(*this, executable, argv);
    if (pid < 0) {
      error.assign(errno, boost::system::system_category());
      return bp::basic_process<Executor>(executor);
    }
    return bp::basic_process<Executor>(executor, pid);
  }
};

/// Between vfork and exec the child still has our signal handlers, which would act on what it shares with us.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

std::string text_of(int error) {
  return std::generic_category().message(error);
}

Fault no_process(const ChildCommand& command, const std::string& why) {
  return {"cannot start " + command.executable.string() + ": " + why, {}, {}};
}

Fault directory_fault(const ChildCommand& command, int error) {
  const std::string name = "the working directory " + command.working_directory.string();
  if (error == ENOENT) return {name + " is not there", {}, {}};
  return {name + " cannot be entered: " + text_of(error), {}, {}};
}

Fault exec_fault(const ChildCommand& command, int error) {
  const std::string name = command.executable.string();
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      // The kernel says ENOENT as well when it finds a script and not the program its first line names.
      if (::access(name.c_str(), F_OK) == 0)
        return {name + " needs an interpreter that is not there", "install it again", {}};
      return {name + " is not there", "install it or correct the path", {}};
    case EACCES:
      return {name + " is not executable", "check its mode and that of the directories above it", {}};
    case ENOEXEC:
      return {name + " is not a program", "a script begins with a line such as #!/bin/sh", {}};
    default:
      return no_process(command, text_of(error));
  }
}

Fault start_fault(const ChildCommand& command, const StartError& failure) {
  switch (failure.step) {
    case Step::directory:
      return directory_fault(command, failure.error);
    case Step::exec:
      return exec_fault(command, failure.error);
    case Step::setup:
      break;
  }
  return no_process(command, text_of(failure.error));
}

std::vector<std::string> environment_of(const ChildCommand& command) {
  std::vector<std::string> environment;
  environment.reserve(command.environment.size());
  for (const auto& [name, value] : command.environment) environment.emplace_back(name).append("=").append(value);
  return environment;
}

/// glibc 2.36 declares its own pidfd_open without extern "C", so it does not link from C++.
Fd open_pidfd(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

/// The child of a launch that failed, if there is one, has ended or is about to.
void reap_failed(pid_t pid) {
  while (pid > 0 && ::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace

Process::Process(pid_t pid, Fd pidfd, Fd output) : pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), output_(std::move(other.output_)) {}

Process::~Process() {
  if (pid_ == 0) return;
  kill();
  reap_failed(pid_);
}

void Process::terminate() const {
  ::kill(-pid_, SIGTERM);
}

void Process::kill() const {
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

boost::asio::awaitable<RunningChild::End> Process::reap() {
  End end;
  rusage used{};
  pid_t reaped = -1;
  int status = 0;
  do reaped = ::wait4(pid_, &status, 0, &used);
  while (reaped < 0 && errno == EINTR);
  const int error = errno;
  const pid_t pid = std::exchange(pid_, 0);
  if (reaped < 0)
    throw Failed({"the end of process " + std::to_string(pid) + " is unknown: " + text_of(error), {}, {}});
  const auto milliseconds = [](const timeval& time) { return Milliseconds(time.tv_sec * 1000 + time.tv_usec / 1000); };
  end.status = status;
  end.usage = {milliseconds(used.ru_utime), milliseconds(used.ru_stime), used.ru_maxrss};
  co_return end;
}

Result<Process> start_process(const boost::asio::any_io_executor& executor, const ChildCommand& command) {
  if (!command.executable.is_absolute()) return no_process(command, "it is not an absolute path");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return no_process(command, text_of(errno));
  Fd output(ends[0]);
  const Fd input(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> variables = environment_of(command);
  std::vector<char*> environment;
  environment.reserve(variables.size() + 1);
  for (auto& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);

  volatile StartError failure;
  ChildSetup setup{input.get(),
                   command.input.value_or(-1),
                   command.working_directory.c_str(),
                   environment.data(),
                   command.parent_death_signal.value_or(0),
                   ::getpid(),
                   &failure};
  VforkLauncher launcher;
  boost::system::error_code error;
  {
    const SignalsBlocked blocked;
    launcher(executor, error, command.executable.string(), command.arguments, setup).detach();
  }
  if (error) return no_process(command, text_of(error.value()));
  if (failure.error != 0) {
    reap_failed(launcher.pid);
    return start_fault(command, {failure.step, failure.error});
  }
  Fd pidfd = open_pidfd(launcher.pid);
  const int error_of_pidfd = errno;
  const bool watched = static_cast<bool>(pidfd);
  Process process(launcher.pid, std::move(pidfd), std::move(output));
  if (!watched) return no_process(command, text_of(error_of_pidfd));
  return process;
}

}  // namespace certherd::os
