#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/service/directories.hpp>

#include "now.hpp"

namespace certherd::service {
namespace {

constexpr std::chrono::hours kept_for{24};
constexpr std::chrono::hours left_alone_for{1};  ///< a CA that did not answer
constexpr std::size_t threads = 4;

}  // namespace

boost::asio::thread_pool& Directories::pool() {
  if (!pool_) pool_ = std::make_unique<boost::asio::thread_pool>(threads);
  return *pool_;
}

boost::asio::awaitable<std::optional<ca::Directory>> Directories::of(Ca ca, Seconds wait) {
  Known& known = known_[ca.id];
  // Who comes while it is being fetched waits for it, rather than take it for one that does not answer.
  if (!known.turns) known.turns = std::make_unique<os::Turns>(executor_);
  const auto turn = co_await known.turns->wait();
  const auto age = now() - known.fetched;
  const bool fresh = age >= TimePoint::duration::zero() && age < (known.directory ? kept_for : left_alone_for);
  if (fresh) co_return known.directory;
  auto fetch = [ca, wait] { return ca::fetch_directory(ca, wait); };
  auto fetched = co_await os::offload(pool(), std::move(fetch));
  if (fetched || wait >= patience) known.fetched = now();
  if (!fetched) {
    os::log(os::LogLevel::info, "CA " + ca.id + ": " + fetched.fault().text());
    if (wait >= patience) known.directory.reset();
    co_return std::nullopt;
  }
  known.directory = std::move(*fetched);
  co_return known.directory;
}

}  // namespace certherd::service
