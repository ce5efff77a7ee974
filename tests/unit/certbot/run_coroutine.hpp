#pragma once

#include <certherd/os/stop.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>

/// Runs a coroutine that takes a StopSignal to its end and returns what it returned.
template <class Make>
auto run_coroutine(Make make) {
  namespace asio = boost::asio;
  asio::io_context context(1);
  certherd::os::StopSignal stop(context.get_executor());
  std::optional<typename decltype(make(stop))::value_type> result;
  auto keep_result = [&]() -> asio::awaitable<void> { result = co_await make(stop); };
  asio::co_spawn(context, keep_result, [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  context.run();
  return std::move(result).value();
}
