#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <utility>

namespace certherd::os {

/// Lets coroutines of one thread do something one after the other, in the order in which they asked.
class Turns {
  struct State {
    bool taken = false;
    std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting;
    void next();
  };

public:
  explicit Turns(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// A turn that has come; the next one's comes when it is destroyed. May outlive its Turns: an io_context that
  /// ends destroys the coroutines that were under way, after whatever they belonged to.
  class Turn {
  public:
    explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (state_) state_->next();
    }

  private:
    std::shared_ptr<State> state_;
  };

  /// Waits for a turn. Cancelling the coroutine does not end the wait.
  boost::asio::awaitable<Turn> wait();

private:
  boost::asio::any_io_executor executor_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace certherd::os
