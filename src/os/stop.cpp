#include <certherd/os/stop.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace certherd::os {

StopSignal::StopSignal(boost::asio::any_io_executor executor)
    : timer_(executor, boost::asio::steady_timer::time_point::max()),
      hurry_timer_(executor, boost::asio::steady_timer::time_point::max()) {}

void StopSignal::request() {
  requested_ = true;
  timer_.cancel();
}

void StopSignal::hurry() {
  request();
  hurried_ = true;
  hurry_timer_.cancel();
}

boost::asio::awaitable<void> StopSignal::wait_for_hurry() {
  if (hurried_) co_return;
  co_await hurry_timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

boost::asio::awaitable<void> StopSignal::wait() {
  if (requested_) co_return;
  co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

}  // namespace certherd::os
