#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace certherd::dns {

/// Errors are results: co_await what.async_…(…, quietly) throws none.
inline constexpr auto quietly = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace certherd::dns
