#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace certherd::os {

/// Runs blocking work (database, fsync, name service, HTTP through Poco) on the pool and resumes the caller on its own
/// executor. What the work throws is thrown here. The work must not touch anything of the caller's io_context.
///
/// Name the work before the co_await: g++ 12.2 copies the temporaries of a co_await expression bytewise into the frame,
/// so `co_await offload(pool, [text] { … })` frees what it does not own when a capture is a std::string.
///     auto work = [text] { … };
///     co_await offload(pool, std::move(work));
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work>> offload(boost::asio::thread_pool& pool, Work work) {
  using Value = std::invoke_result_t<Work>;
  if constexpr (std::is_void_v<Value>) {
    auto task = [work = std::move(work)]() mutable -> boost::asio::awaitable<void> { co_return work(); };
    co_await boost::asio::co_spawn(pool, std::move(task), boost::asio::use_awaitable);
  } else {
    // co_spawn (1.81) wants a value that it can default-construct, which a Result is not.
    auto task = [work = std::move(work)]() mutable -> boost::asio::awaitable<std::optional<Value>> {
      co_return work();
    };
    auto value = co_await boost::asio::co_spawn(pool, std::move(task), boost::asio::use_awaitable);
    co_return std::move(*value);
  }
}

}  // namespace certherd::os
