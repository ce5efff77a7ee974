#include "together.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>

namespace certherd::dns {

namespace asio = boost::asio;

asio::awaitable<void> together(asio::any_io_executor executor, std::vector<asio::awaitable<void>> tasks) {
  struct State {
    explicit State(const asio::any_io_executor& ex) : ended(ex, asio::steady_timer::time_point::max()) {}
    asio::steady_timer ended;
    std::size_t left = 0;
    std::exception_ptr error;
  };
  const auto state = std::make_shared<State>(executor);
  state->left = tasks.size();
  for (auto& task : tasks) {
    asio::co_spawn(executor, std::move(task), [state](std::exception_ptr error) {
      if (error) state->error = error;
      if (--state->left == 0) state->ended.cancel();
    });
  }
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  while (state->left > 0) co_await state->ended.async_wait(asio::as_tuple(asio::use_awaitable));
  co_await asio::this_coro::throw_if_cancelled(throwing);
  if (state->error) std::rethrow_exception(state->error);
}

}  // namespace certherd::dns
