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
public:
  explicit Turns(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// A turn that has come; the next one's comes when it is destroyed. Must not outlive its Turns.
  class Turn {
  public:
    explicit Turn(Turns* turns) : turns_(turns) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_) turns_->next();
    }

  private:
    Turns* turns_;
  };

  /// Waits for a turn. Cancelling the coroutine does not end the wait.
  boost::asio::awaitable<Turn> wait();

private:
  void next();

  boost::asio::any_io_executor executor_;
  bool taken_ = false;
  std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting_;
};

}  // namespace certherd::os
