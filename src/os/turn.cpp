#include <certherd/os/turn.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace certherd::os {

boost::asio::awaitable<Turns::Turn> Turns::wait() {
  namespace asio = boost::asio;
  const auto state = state_;
  if (state->taken) {
    // A wait that could be cancelled would leave a turn that nobody takes.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto timer = std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    state->waiting.push_back(timer);
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
  }
  state->taken = true;
  co_return Turn(state);
}

void Turns::State::next() {
  if (waiting.empty()) {
    taken = false;
    return;
  }
  // The turn passes on: taken stays, so that nobody comes between.
  const auto timer = waiting.front();
  waiting.pop_front();
  try {
    timer->cancel();
  } catch (...) {
    // Nothing in it can fail; Asio's interface does not say so, and a destructor calls this.
  }
}

}  // namespace certherd::os
