#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/certbot/command.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/stop.hpp>
#include <certherd/os/turn.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace certherd::certbot {

/// Makes a process run certbot, and follows it to its end as os::run_child does. Whatever the engine, the process is
/// the same: its group, environment, descriptors, output, and what it does. On the io_context's thread.
class Engine {
public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  /// Faults: no process could be made.
  virtual boost::asio::awaitable<Result<os::ChildExit>> run(CertbotCommand command, os::ChildLimits limits,
                                                            os::ChildCallbacks callbacks, os::StopSignal& stop) = 0;
};

/// Executes certbot; by way of launcher.py where its wait is to be ended. Where that cannot be done (no Python script,
/// a first line that cannot be followed, a launcher that others may write) certbot waits as long as it was told.
class PlainEngine final : public Engine {
public:
  explicit PlainEngine(std::filesystem::path launcher) : launcher_(std::move(launcher)) {}
  boost::asio::awaitable<Result<os::ChildExit>> run(CertbotCommand command, os::ChildLimits limits,
                                                    os::ChildCallbacks callbacks, os::StopSignal& stop) override;

private:
  std::filesystem::path launcher_;
};

class WarmHost;

/// What a host said of itself once it had imported everything.
struct HostFacts {
  std::string certbot_version;
  int plugins = 0;
  long rss_kib = 0;
};

/// How long things may take.
struct WarmLimits {
  Seconds start{60};     ///< until certbot and its plugins are imported
  Seconds answer{20};    ///< of a host to one request
  Seconds idle{30};      ///< a host without a child ends after this
  Seconds refused{600};  ///< before a certbot that cannot be kept warm is tried again
};

/// Forks certbots from a host (warm_host.py), a process of certbot's interpreter that has imported certbot and its
/// plugins once: a fifth of the CPU time (certbot 2.1.0). One host at a time serves; one that is replaced, since files
/// of certbot or a plugin have changed, or it has forked often or grown, stays until its last child has ended. A host
/// is never needed: if none can be had, for whatever reason, `plain` runs the command; if it dies, its children go on,
/// and how they ended is then unknown (os::ChildExit).
class WarmEngine final : public Engine {
public:
  WarmEngine(boost::asio::any_io_executor executor, Engine& plain, std::filesystem::path host_program,
             WarmLimits limits = {});
  ~WarmEngine() override;

  boost::asio::awaitable<Result<os::ChildExit>> run(CertbotCommand command, os::ChildLimits limits,
                                                    os::ChildCallbacks callbacks, os::StopSignal& stop) override;

  /// Whether the command could be run warm; starts a host if there is none. Fault: why not.
  boost::asio::awaitable<Result<HostFacts>> probe(const CertbotCommand& command);

  /// The host that serves now; nullptr: there is none.
  const HostFacts* in_memory() const;
  /// Called when in_memory() has become another. Not from within close().
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  /// No host any more; for the end of the program, when no child is left. Without it an io_context does not run dry
  /// before the host has idled long enough.
  void close();

private:
  class Lease;
  boost::asio::awaitable<Result<std::shared_ptr<WarmHost>>> ready(const CertbotCommand& command);
  boost::asio::awaitable<Result<std::shared_ptr<WarmHost>>> start(const CertbotCommand& command);
  void retire(const std::shared_ptr<WarmHost>& host, const std::string& why);
  void left_alone();

  boost::asio::any_io_executor executor_;
  Engine& plain_;
  std::filesystem::path host_program_;
  WarmLimits limits_;
  os::Turns starting_;
  std::shared_ptr<WarmHost> host_;
  std::filesystem::path refused_for_;  ///< the executable that cannot be kept warm
  std::optional<Fault> refusal_;
  TimePoint refused_at_;
  boost::asio::steady_timer idle_;
  std::function<void()> changed_;
};

}  // namespace certherd::certbot
