#include <certherd/base/text.hpp>
#include <certherd/certbot/launch.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace certherd::certbot {
namespace fs = std::filesystem;
namespace {

/// The flags that the script's first line gives its interpreter; nullopt: that line names another one or goes through
/// env, which may take options of its own.
std::optional<std::vector<std::string>> flags_of(const fs::path& script, const fs::path& interpreter) {
  std::ifstream file(script, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("#!")) return std::nullopt;
  std::vector<std::string> flags;
  bool first = true;
  for (const auto& word : split(trim(line.substr(2)), ' ')) {
    if (word.empty()) continue;
    const bool program = first;
    first = false;
    if (!program)
      flags.push_back(word);
    else if (fs::path(word).filename() != "env" && word != interpreter.string())
      return std::nullopt;
    else if (fs::path(word).filename() == "env")
      return flags;  // "env python3": without flags
  }
  // The kernel hands on all that follows the interpreter as one argument.
  if (flags.size() > 1) return std::nullopt;
  return flags;
}

/// What runs with our rights is root's or ours, and nobody else's to write.
bool is_trustworthy(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return false;
  return S_ISREG(status.st_mode) && (status.st_uid == 0 || status.st_uid == ::geteuid()) &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

Result<PythonCall> python_call(const CertbotCommand& command, const fs::path& program) {
  const std::string script = command.executable.string();
  if (command.interpreter.empty()) return Fault{script + " is no Python script", {}, {}};
  const auto flags = flags_of(command.executable, command.interpreter);
  if (!flags) return Fault{"the first line of " + script + " cannot be followed", {}, {}};
  if (!is_trustworthy(program))
    return Fault{program.string() + " is missing, or others may write it", "install certherd again", {}};
  PythonCall call{command.interpreter, *flags};
  call.arguments.push_back(program.string());
  call.arguments.push_back(script);
  return call;
}

Environment launch_environment(const CertbotCommand& command) {
  Environment environment;
  if (!command.end_wait.empty()) environment.emplace_back("CERTHERD_END_WAIT", command.end_wait.string());
  boost::json::object anchors;
  for (const auto& [bundle, directory] : command.directories) anchors[bundle.string()] = directory.string();
  if (!anchors.empty()) environment.emplace_back("CERTHERD_ANCHORS", boost::json::serialize(anchors));
  return environment;
}

Result<std::unique_ptr<WaitEnder>> WaitEnder::prepare(CertbotCommand& command, const fs::path& fifo) {
  ::unlink(fifo.c_str());
  if (::mkfifo(fifo.c_str(), 0600) != 0) return os::system_fault("cannot make the FIFO", fifo, errno);
  command.end_wait = fifo;
  return std::unique_ptr<WaitEnder>(new WaitEnder(fifo));
}

WaitEnder::~WaitEnder() {
  ::unlink(fifo_.c_str());
}

bool WaitEnder::end() const {
  // Without a reader this fails at once (ENXIO).
  const os::Fd fd(::open(fifo_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  return fd && ::write(fd.get(), "\n", 1) == 1;
}

}  // namespace certherd::certbot
