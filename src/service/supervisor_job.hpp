#pragma once

#include <certherd/service/supervisor.hpp>

#include <boost/asio/steady_timer.hpp>

namespace certherd::service {

/// A Wish on its way.
struct Supervisor::Job {
  Job(Wish wanted, const boost::asio::any_io_executor& executor)
      : wish(std::move(wanted)),
        queued(std::chrono::system_clock::now()),
        ended(executor, boost::asio::steady_timer::time_point::max()) {}
  Wish wish;
  TimePoint queued;
  TimePoint begun;
  bool running = false;
  bool yielded = false;  ///< nothing but Hooks is left: its place in the queue is free
  Handled handled;
  boost::asio::steady_timer ended;  ///< moved to the past at the end, which may come before anybody waits
};

}  // namespace certherd::service
