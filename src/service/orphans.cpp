#include <certherd/base/text.hpp>
#include <certherd/certbot/log_record.hpp>
#include <certherd/certbot/timeline.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/processes.hpp>
#include <certherd/service/orphans.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

namespace certherd::service {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

/// The directory of a certificate that this certbot works in: the parent of its --config-dir, when that lies below
/// `home`.
std::optional<fs::path> directory_of(const std::vector<std::string>& argv, const fs::path& home) {
  constexpr std::string_view option = "--config-dir";
  for (std::size_t i = 0; i < argv.size(); ++i) {
    fs::path config;
    if (argv[i] == option && i + 1 < argv.size()) config = argv[i + 1];
    if (argv[i].starts_with(std::string(option) + "=")) config = argv[i].substr(option.size() + 1);
    if (config.empty()) continue;
    const fs::path relative = config.lexically_normal().lexically_relative(home.lexically_normal());
    if (relative.empty() || relative == "." || *relative.begin() == "..") continue;
    return config.parent_path();
  }
  return std::nullopt;
}

/// What the debug log says of the one execution that it is about: certherd removes it before each.
bool past_cleanup(const fs::path& log) {
  certbot::Tracker tracker(std::chrono::system_clock::now());
  certbot::LogParser parser([&](const certbot::LogRecord& record) { tracker.feed(record); });
  std::ifstream file(log, std::ios::binary);
  std::array<char, 64 * 1024> buffer;
  while (file.read(buffer.data(), buffer.size()), file.gcount() > 0)
    parser.feed({buffer.data(), static_cast<std::size_t>(file.gcount())});
  if (parser.held()) tracker.preview(*parser.held());
  return tracker.past_cleanup();
}

std::string told(os::GroupEnd end) {
  switch (end) {
    case os::GroupEnd::by_itself:
      return "has ended by itself";
    case os::GroupEnd::terminated:
      return "was ended by TERM";
    case os::GroupEnd::killed:
      return "was ended by KILL: its TXT records may be left";
    case os::GroupEnd::left:
      break;
  }
  return "is left running";
}

/// What the coroutines of the orphans share with the one that waits for them.
struct Waiting {
  int left = 0;
  std::exception_ptr error;
};

asio::awaitable<void> end_one(os::ProcessInfo process, fs::path directory, os::EndOptions options,
                              os::StopSignal& stop) {
  const std::string name = "the certbot of an earlier life for " + printable(directory.filename().string()) + " (pid " +
                           std::to_string(process.pid) + ") ";
  const bool finishing = past_cleanup(directory / "logs" / "letsencrypt.log");
  if (!finishing) options.patience = Seconds(0);
  os::log(os::LogLevel::warning,
          name + (finishing ? "is about to finish and is given " + format_duration(options.patience)
                            : "is told to end, within " + format_duration(options.grace)));
  auto ending = os::end_group(std::move(process), options, stop);
  const auto end = co_await std::move(ending);
  os::log(end == os::GroupEnd::left ? os::LogLevel::error : os::LogLevel::warning, name + told(end));
}

}  // namespace

asio::awaitable<int> end_orphans(const Paths& paths, Seconds grace, os::StopSignal& stop, Seconds patience) {
  const fs::path home = paths.state_dir / "certbot";
  auto orphans =
      os::find_processes([&](const std::vector<std::string>& argv) { return directory_of(argv, home).has_value(); });
  std::set<pid_t> pids;
  for (const auto& orphan : orphans) pids.insert(orphan.pid);
  // What one of them forked bears the same arguments and goes with its group.
  std::erase_if(orphans, [&](const os::ProcessInfo& orphan) {
    return orphan.group != orphan.pid && pids.contains(orphan.group);
  });
  if (orphans.empty()) co_return 0;

  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto executor = co_await asio::this_coro::executor;
  // Moved to the past by the last to end; otherwise it never expires.
  asio::steady_timer all_ended(executor, asio::steady_timer::time_point::max());
  Waiting waiting{static_cast<int>(orphans.size()), {}};
  const os::EndOptions options{patience, grace};
  for (const auto& orphan : orphans) {
    auto ending = end_one(orphan, *directory_of(orphan.argv, home), options, stop);
    asio::co_spawn(executor, std::move(ending), [&](std::exception_ptr error) {
      if (error) waiting.error = error;
      if (--waiting.left == 0) all_ended.expires_at(asio::steady_timer::time_point::min());
    });
  }
  while (waiting.left > 0) co_await all_ended.async_wait(asio::as_tuple(asio::use_awaitable));
  if (waiting.error) std::rethrow_exception(waiting.error);
  co_return static_cast<int>(orphans.size());
}

}  // namespace certherd::service
