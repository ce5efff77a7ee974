#include <certherd/base/text.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/processes.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <utility>

namespace certherd::os {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace asio::experimental::awaitable_operators;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

/// Empty when the process has ended, be it between open() and read() (ESRCH).
std::string content_of(const fs::path& file) {
  auto content = read_file(file);
  return content ? std::move(*content) : std::string();
}

/// Group and start time; nullopt: there is no such process, or it has ended and waits to be reaped.
std::optional<ProcessInfo> look_at(pid_t pid) {
  const std::string stat = content_of("/proc/" + std::to_string(pid) + "/stat");
  // The name in parentheses may hold anything, so counting starts behind it: state is the third field, group the
  // fifth, start time the 22nd.
  const auto end = stat.rfind(") ");
  if (end == std::string::npos) return std::nullopt;
  const auto fields = split(std::string_view(stat).substr(end + 2), ' ');
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  const auto group = parse_number(fields[2]);
  const auto started = parse_number(fields[19]);
  if (!group || !started) return std::nullopt;
  return ProcessInfo{pid, static_cast<pid_t>(*group), {}, static_cast<std::uint64_t>(*started)};
}

std::vector<std::string> arguments_of(pid_t pid) {
  std::string text = content_of("/proc/" + std::to_string(pid) + "/cmdline");
  if (text.empty()) return {};  // a kernel thread
  if (text.back() == '\0') text.pop_back();
  return split(text, '\0');
}

bool is_ours(pid_t pid) {
  struct stat status {};
  const std::string directory = "/proc/" + std::to_string(pid);
  return ::stat(directory.c_str(), &status) == 0 && (::geteuid() == 0 || status.st_uid == ::geteuid());
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error))
    if (const auto pid = parse_number(entry->path().filename().string())) pids.push_back(static_cast<pid_t>(*pid));
  return pids;
}

/// One process, held so that its number cannot become another's under us.
struct Held {
  pid_t pid = 0;
  Fd pidfd;

  bool ended() const {
    pollfd poll{pidfd.get(), POLLIN, 0};
    return ::poll(&poll, 1, 0) == 1;
  }
  bool send(int signal) const { return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0; }
};

/// nullopt: it is gone, or the number belongs to another process now.
std::optional<Held> hold(const ProcessInfo& process) {
  Held held{process.pid, Fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)))};
  if (!held.pidfd) return std::nullopt;
  const auto now = look_at(process.pid);
  if (!now || now->started != process.started) return std::nullopt;
  return held;
}

/// A process on its way to its end, and those of its group.
class Ending {
public:
  Ending(const asio::any_io_executor& executor, const ProcessInfo& process, Held leader)
      : process_(process),
        leads_(process.group == process.pid),
        leader_(std::move(leader)),
        exit_(executor, ::fcntl(leader_.pidfd.get(), F_DUPFD_CLOEXEC, 3)),
        timer_(executor) {}

  asio::awaitable<GroupEnd> run(EndOptions options, StopSignal& stop) {
    if (co_await ended_within(options.patience, stop)) co_return GroupEnd::by_itself;
    if (stop.requested()) co_return GroupEnd::left;
    gather();
    if (!leader_.send(SIGTERM) && !leader_.ended()) co_return GroupEnd::left;
    for (const auto& member : members_) (void)member.send(SIGTERM);
    const bool ended = co_await ended_within(options.grace, stop);
    if (!ended && stop.requested()) co_return GroupEnd::left;
    gather();
    (void)leader_.send(SIGKILL);
    // Who outlives its leader is left over: nobody waits for it.
    for (const auto& member : members_) (void)member.send(SIGKILL);
    if (!ended) co_await exit_.async_wait(asio::posix::stream_descriptor::wait_read, quietly);
    co_return ended ? GroupEnd::terminated : GroupEnd::killed;
  }

private:
  asio::awaitable<bool> ended_within(Seconds time, StopSignal& stop) {
    timer_.expires_after(time);
    if (time.count() > 0 && !leader_.ended())
      co_await (exit_.async_wait(asio::posix::stream_descriptor::wait_read, quietly) || timer_.async_wait(quietly) ||
                stop.wait());
    co_return leader_.ended();
  }

  /// Holds the members that are not held yet. As long as the leader lives the group's number cannot be another's.
  void gather() {
    if (!leads_ || leader_.ended()) return;
    std::vector<Held> found;
    for (const pid_t pid : all_pids()) {
      const auto known = [pid](const Held& member) { return member.pid == pid && !member.ended(); };
      if (pid == process_.pid || std::any_of(members_.begin(), members_.end(), known)) continue;
      const auto seen = look_at(pid);
      if (!seen || seen->group != process_.group) continue;
      if (auto member = hold(*seen)) found.push_back(std::move(*member));
    }
    if (!leader_.ended()) std::move(found.begin(), found.end(), std::back_inserter(members_));
  }

  ProcessInfo process_;
  bool leads_;
  Held leader_;
  std::vector<Held> members_;
  asio::posix::stream_descriptor exit_;
  asio::steady_timer timer_;
};

}  // namespace

std::vector<ProcessInfo> find_processes(const std::function<bool(const std::vector<std::string>& argv)>& wanted) {
  std::vector<ProcessInfo> found;
  for (const pid_t pid : all_pids()) {
    if (pid == ::getpid() || !is_ours(pid)) continue;
    auto process = look_at(pid);
    if (!process) continue;
    process->argv = arguments_of(pid);
    if (!process->argv.empty() && wanted(process->argv)) found.push_back(std::move(*process));
  }
  return found;
}

asio::awaitable<GroupEnd> end_group(ProcessInfo process, EndOptions options, StopSignal& stop) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  auto leader = hold(process);
  if (!leader) co_return GroupEnd::by_itself;
  Ending ending(co_await asio::this_coro::executor, process, std::move(*leader));
  co_return co_await ending.run(options, stop);
}

}  // namespace certherd::os
