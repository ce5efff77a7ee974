#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <vector>

namespace certherd::dns {

/// Runs them all at the same time; comes back when the last one has ended, and throws what one of them threw. Not
/// before that, even if the caller is cancelled: they refer to what the caller holds.
boost::asio::awaitable<void> together(boost::asio::any_io_executor executor,
                                      std::vector<boost::asio::awaitable<void>> tasks);

}  // namespace certherd::dns
