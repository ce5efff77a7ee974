#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

namespace certherd::test {

/// A shell script that runs on its own, in a process group that it leads, with further arguments by which it can be
/// found. The constructor returns once the script has said something.
class Stranger {
public:
  Stranger(const std::string& script, const std::vector<std::string>& arguments) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> words{"/bin/sh", "-c", script, "stranger"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    char buffer[256];
    const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
    ::close(ends[0]);
    if (got <= 0) throw std::runtime_error("the stranger did not start");
    said_.assign(buffer, static_cast<std::size_t>(got));
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() {
    if (pid_ == 0) return;
    ::kill(-pid_, SIGKILL);
    (void)end();
  }

  pid_t pid() const { return pid_; }
  const std::string& said() const { return said_; }

  /// Waits for its end: "exit 3", "signal 15".
  std::string end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                               : "exit " + std::to_string(WEXITSTATUS(status));
  }
  /// Not ended yet.
  bool runs() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }

private:
  pid_t pid_ = 0;
  std::string said_;
};

}  // namespace certherd::test
