#include "log_follower.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace certherd::certbot {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t turn_limit = 4 * 1024 * 1024;  ///< read at once, so that a flood leaves others their turn
constexpr off_t rest_limit = 16 * 1024 * 1024;       ///< read after the end
constexpr off_t rest_tail = 1024 * 1024;             ///< of more than that
constexpr auto slow_poll = std::chrono::seconds(1);
/// Between a wake-up and the reading: certbot writes records in bursts, and one wake-up for each would cost more than
/// reading them. What is told live comes that much later; phases are measured by the records' own times.
constexpr auto gathering = std::chrono::milliseconds(100);

/// An inotify descriptor that wakes when a file of the directory is created or written; -1 when there is none to be
/// had.
int watch(const std::filesystem::path& directory) {
  os::Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd || ::inotify_add_watch(fd.get(), directory.c_str(), IN_CREATE | IN_MODIFY | IN_MOVED_TO) < 0) return -1;
  return fd.release();
}

}  // namespace

bool LogFollower::read_more() {
  // certbot makes the file; O_NOFOLLOW, as whatever else may stand there is none of ours.
  if (!fd_) fd_.reset(::open(file_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd_) return true;
  std::array<char, 64 * 1024> buffer;
  for (std::size_t total = 0; total < turn_limit;) {
    const ssize_t size = ::pread(fd_.get(), buffer.data(), buffer.size(), offset_);
    if (size <= 0) return true;
    offset_ += size;
    total += static_cast<std::size_t>(size);
    sink_({buffer.data(), static_cast<std::size_t>(size)});
  }
  return false;
}

std::uintmax_t LogFollower::read_rest() {
  std::uintmax_t passed_over = 0;
  struct stat status {};
  if (read_more()) return 0;
  if (::fstat(fd_.get(), &status) == 0 && status.st_size - offset_ > rest_limit) {
    passed_over = static_cast<std::uintmax_t>(status.st_size - rest_tail - offset_);
    offset_ = status.st_size - rest_tail;
  }
  for (off_t turn = 0; turn < rest_limit && !read_more(); turn += turn_limit) continue;
  return passed_over;
}

asio::awaitable<void> LogFollower::follow() {
  const auto executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor events(executor);
  asio::steady_timer timer(executor);
  if (const int fd = watch(file_.parent_path()); fd >= 0) events.assign(fd);
  constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
  while ((co_await asio::this_coro::cancellation_state).cancelled() == asio::cancellation_type::none) {
    const bool all = read_more();
    timer.expires_after(all ? slow_poll : std::chrono::seconds(0));
    if (events.is_open() && all) {
      co_await (events.async_wait(asio::posix::stream_descriptor::wait_read, quietly) || timer.async_wait(quietly));
      timer.expires_after(gathering);
      co_await timer.async_wait(quietly);
      std::array<char, 4096> ignored;
      while (::read(events.native_handle(), ignored.data(), ignored.size()) > 0) continue;
    } else {
      co_await timer.async_wait(quietly);
    }
  }
}

}  // namespace certherd::certbot
