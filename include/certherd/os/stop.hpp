#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace certherd::os {

/// A wish to stop that any number of coroutines on one thread can wait for. Once requested it stays requested.
class StopSignal {
public:
  explicit StopSignal(boost::asio::any_io_executor executor);
  void request();
  bool requested() const { return requested_; }
  /// After request(): no grace any more for what is still being ended.
  void hurry();
  bool hurried() const { return hurried_; }
  /// Returns when stop is requested, at once if it already is. Cancelling the wait is an ordinary return.
  boost::asio::awaitable<void> wait();
  /// Returns when hurry() is called, at once if it already was. Cancelling is an ordinary return.
  boost::asio::awaitable<void> wait_for_hurry();

private:
  bool requested_ = false;
  bool hurried_ = false;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer hurry_timer_;
};

}  // namespace certherd::os
