#include <certherd/certbot/engine.hpp>
#include <certherd/certbot/launch.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/processes.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "warm_host.hpp"

namespace certherd::certbot {
namespace {

namespace asio = boost::asio;

constexpr int most_hosts = 3;  ///< that one Attempt tries before it is executed

void add_word(std::string& request, std::string_view word) {
  request += word;
  request += '\0';
}

/// As warm_host.py reads it. The descriptor's end closes it.
std::string request_text(const CertbotCommand& command) {
  std::string request;
  add_word(request, std::to_string(command.arguments.size()));
  for (const auto& argument : command.arguments) add_word(request, argument);
  const Environment more = launch_environment(command);
  add_word(request, std::to_string(command.environment.size() + more.size()));
  for (const auto* variables : {&command.environment, &more}) {
    for (const auto& [name, value] : *variables) {
      request += name;
      request += '=';
      add_word(request, value);
    }
  }
  add_word(request, "/");
  add_word(request, "end");
  return request;
}

/// The two ends of what a child is given: where its request comes from and where its output goes.
struct Channels {
  os::Fd request, requested;
  os::Fd output, printed;

  static Result<Channels> open() {
    int request[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, request) != 0) return failed();
    Channels channels;
    channels.request.reset(request[0]);
    channels.requested.reset(request[1]);
    int output[2];
    if (::pipe2(output, O_CLOEXEC) != 0) return failed();
    channels.output.reset(output[0]);
    channels.printed.reset(output[1]);
    ::fcntl(channels.output.get(), F_SETFL, O_NONBLOCK);
    return channels;
  }

private:
  static Fault failed() { return {"no channel to certbot: " + std::generic_category().message(errno), {}, {}}; }
};

/// A certbot that a host has forked. As long as that is alive a child that has ended keeps its number until it is
/// reaped, for the host reaps nothing unasked.
class WarmChild final : public os::RunningChild {
public:
  WarmChild(std::shared_ptr<WarmHost> host, pid_t pid, os::Fd pidfd, os::Fd output)
      : host_(std::move(host)), pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)) {
    own_pidfd_.reset(::fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, 3));
  }
  ~WarmChild() override {
    if (!reaped_) kill();
  }

  pid_t pid() const override { return pid_; }
  os::Fd take_pidfd() override { return std::move(pidfd_); }
  os::Fd take_output() override { return std::move(output_); }
  void terminate() const override { signal_group(SIGTERM); }
  void kill() const override {
    signal_group(SIGKILL);
    signal_leader(SIGKILL);
  }
  asio::awaitable<End> reap() override {
    reaped_ = true;
    const auto end = co_await host_->reap(pid_);
    co_return end.value_or(End{});
  }

private:
  int signal_leader(int signal) const {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, own_pidfd_.get(), signal, nullptr, 0));
  }
  /// Where the host is gone the leader's number is its own only while it lives; what it leaves behind is then told by
  /// its group and by what it runs.
  void signal_group(int signal) const {
    if (host_->alive() || signal_leader(0) == 0) {
      ::kill(-pid_, signal);
      return;
    }
    const auto left = os::find_processes([](const auto&) { return true; });
    for (const auto& process : left)
      if (process.group == pid_) ::kill(process.pid, signal);
  }

  std::shared_ptr<WarmHost> host_;
  pid_t pid_;
  os::Fd pidfd_;
  os::Fd own_pidfd_;
  os::Fd output_;
  bool reaped_ = false;
};

asio::awaitable<void> send_request(os::Fd socket, std::string request) {
  const auto executor = co_await asio::this_coro::executor;
  asio::local::stream_protocol::socket channel(executor, asio::local::stream_protocol(), socket.release());
  // A child that ends before it has read everything is seen by its pidfd.
  co_await asio::async_write(channel, asio::buffer(request), quietly);
}

}  // namespace

WarmEngine::WarmEngine(asio::any_io_executor executor, Engine& plain, std::filesystem::path host_program,
                       WarmLimits limits)
    : executor_(executor),
      plain_(plain),
      host_program_(std::move(host_program)),
      limits_(limits),
      starting_(executor),
      idle_(executor) {}

WarmEngine::~WarmEngine() = default;

void WarmEngine::close() {
  idle_.cancel();
  if (host_) host_->close();
  host_.reset();
}

void WarmEngine::retire(const std::shared_ptr<WarmHost>& host, const std::string& why) {
  if (!host->retired) os::log(os::LogLevel::debug, "the process that keeps certbot in memory is replaced: " + why);
  host->retired = true;
  if (host->leases == 0) host->close();
  if (host_ != host) return;
  host_.reset();
  if (changed_) changed_();
}

const HostFacts* WarmEngine::in_memory() const {
  return host_ ? &host_->facts() : nullptr;
}

/// The last child of the host has ended: it waits a while for another.
void WarmEngine::left_alone() {
  idle_.expires_after(limits_.idle);
  idle_.async_wait([this](const boost::system::error_code& error) {
    if (error || !host_ || host_->leases > 0) return;
    retire(host_, "nothing was to do");
  });
}

asio::awaitable<Result<std::shared_ptr<WarmHost>>> WarmEngine::start(const CertbotCommand& command) {
  const auto host = std::make_shared<WarmHost>(executor_, limits_);
  const auto begun = std::chrono::steady_clock::now();
  auto started = co_await host->start(command, host_program_);
  if (!started) {
    host->close();
    co_return started.fault();
  }
  const auto took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun);
  os::log(os::LogLevel::info, "certbot " + started->certbot_version + " is kept in memory with " +
                                  std::to_string(started->plugins) + " plugins, " +
                                  std::to_string(started->rss_kib / 1024) + " MiB, after " + format_elapsed(took));
  co_return host;
}

asio::awaitable<Result<std::shared_ptr<WarmHost>>> WarmEngine::ready(const CertbotCommand& command) {
  const auto turn = co_await starting_.wait();
  const bool fits = host_ && host_->alive() && !host_->retired && host_->serves().executable == command.executable &&
                    host_->serves().interpreter == command.interpreter;
  if (fits) co_return host_;
  if (host_) retire(host_, host_->alive() ? "another certbot is wanted" : "it has ended");
  const TimePoint now = std::chrono::system_clock::now();
  if (refusal_ && refused_for_ == command.executable && now < refused_at_ + limits_.refused && now >= refused_at_)
    co_return *refusal_;
  auto started = co_await start(command);
  if (started) {
    refusal_.reset();
    host_ = *started;
    left_alone();
    if (changed_) changed_();
    co_return host_;
  }
  const bool known = refusal_ && refusal_->message == started.fault().message && refused_for_ == command.executable;
  refusal_ = started.fault();
  refused_for_ = command.executable;
  refused_at_ = now;
  if (!known)
    os::log(os::LogLevel::warning,
            command.executable.string() + " is not kept in memory, each run starts it anew: " + refusal_->message);
  co_return *refusal_;
}

asio::awaitable<Result<HostFacts>> WarmEngine::probe(const CertbotCommand& command) {
  const auto host = co_await ready(command);
  if (!host) co_return host.fault();
  co_return (*host)->facts();
}

/// Keeps a host in service for one Attempt.
class WarmEngine::Lease {
public:
  Lease(WarmEngine& engine, std::shared_ptr<WarmHost> host) : engine_(engine), host_(std::move(host)) {
    ++host_->leases;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    try {
      end();
    } catch (const std::exception& error) {  // a host that ends later than it might
      os::log(os::LogLevel::debug, error.what());
    }
  }

private:
  void end() {
    if (--host_->leases > 0) return;
    if (host_->retired)
      host_->close();
    else
      engine_.left_alone();
  }

  WarmEngine& engine_;
  std::shared_ptr<WarmHost> host_;
};

asio::awaitable<Result<os::ChildExit>> WarmEngine::run(CertbotCommand command, os::ChildLimits limits,
                                                       os::ChildCallbacks callbacks, os::StopSignal& stop) {
  for (int tried = 0; tried < most_hosts; ++tried) {
    if (stop.requested()) co_return os::not_started();
    const auto found = co_await ready(command);
    if (!found) break;
    const auto& host = *found;
    const Lease lease(*this, host);
    auto opened = Channels::open();
    if (!opened) co_return opened.fault();
    Channels channels = std::move(opened).value();
    auto forked = co_await host->fork(std::move(channels.requested), std::move(channels.printed));
    if (!forked || !forked->stale.empty()) {
      retire(host, forked ? forked->stale : forked.fault().message);
      continue;
    }
    WarmChild child(host, forked->pid, std::move(forked->pidfd), std::move(channels.output));
    asio::co_spawn(executor_, send_request(std::move(channels.request), request_text(command)), asio::detached);
    co_return co_await os::supervise(child, limits, std::move(callbacks), stop);
  }
  co_return co_await plain_.run(std::move(command), limits, std::move(callbacks), stop);
}

}  // namespace certherd::certbot
