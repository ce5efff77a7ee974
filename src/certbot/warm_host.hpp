#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/certbot/engine.hpp>
#include <certherd/certbot/launch.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/stop.hpp>
#include <certherd/os/turn.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certherd::certbot {

/// Errors are values here.
inline constexpr auto quietly = boost::asio::as_tuple(boost::asio::use_awaitable);

/// One warm_host.py and the socket to it. Its protocol stands at the head of that file.
class WarmHost : public std::enable_shared_from_this<WarmHost> {
public:
  WarmHost(const boost::asio::any_io_executor& executor, WarmLimits limits);

  /// Starts the process and waits until it has imported everything. Fault: why it cannot serve.
  boost::asio::awaitable<Result<HostFacts>> start(const CertbotCommand& command, const std::filesystem::path& program);

  struct Forked {
    pid_t pid = 0;
    os::Fd pidfd;
    std::string stale;  ///< no process: why a new host is due
  };
  /// A process that waits for its request at the other end of `request` and writes to `output`. Fault: the host is
  /// gone.
  boost::asio::awaitable<Result<Forked>> fork(os::Fd request, os::Fd output);

  /// How the child ended, which it has; nullopt: the host is gone.
  boost::asio::awaitable<std::optional<os::RunningChild::End>> reap(pid_t pid);

  bool alive() const { return alive_; }
  const HostFacts& facts() const { return facts_; }
  const CertbotCommand& serves() const { return serves_; }

  std::size_t leases = 0;  ///< Attempts that use it; kept by the engine
  bool retired = false;    ///< no fork any more

  /// Ends the process; its children go on.
  void close();

private:
  struct Answer {
    boost::json::object message;
    os::Fd descriptor;
  };
  boost::asio::awaitable<Result<Answer>> ask(std::optional<pid_t> to_reap, std::vector<os::Fd> descriptors);
  boost::asio::awaitable<Result<Answer>> hear(Seconds limit);
  boost::asio::awaitable<void> follow(os::ChildCommand command, os::Fd input);
  Result<Answer> receive();
  Fault gone() const;

  boost::asio::any_io_executor executor_;
  WarmLimits limits_;
  os::Turns turns_;
  os::StopSignal stop_;
  boost::asio::posix::stream_descriptor control_;
  CertbotCommand serves_;
  HostFacts facts_;
  bool alive_ = false;
  std::string last_line_;  ///< that it printed
};

}  // namespace certherd::certbot
