#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <type_traits>
#include <utility>

namespace certherd::os {

/// Runs blocking work (database, fsync, name service, HTTP through Poco) on the pool and resumes the caller on its own
/// executor. What the work throws is thrown here. The work must not touch anything of the caller's io_context.
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work>> offload(boost::asio::thread_pool& pool, Work work) {
  co_return co_await boost::asio::co_spawn(
      pool,
      [work = std::move(work)]() mutable -> boost::asio::awaitable<std::invoke_result_t<Work>> { co_return work(); },
      boost::asio::use_awaitable);
}

}  // namespace certherd::os
