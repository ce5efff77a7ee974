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
  /// Returns when stop is requested, at once if it already is. Cancelling the wait is an ordinary return.
  boost::asio::awaitable<void> wait();

private:
  bool requested_ = false;
  boost::asio::steady_timer timer_;
};

}  // namespace certherd::os
