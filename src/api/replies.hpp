#pragma once

#include <certherd/service/control.hpp>

#include <string>

namespace certherd::api {

/// 503: no thread or connection is left for this client.
service::Reply busy(const std::string& what);
/// 503: the service ends.
service::Reply stopping();
/// 403: the kernel does not tell who asks.
service::Reply stranger();
/// 500: what Control threw instead of answering, logged as well; for a catch block.
service::Reply failed_reply(const service::Request& request);

}  // namespace certherd::api
