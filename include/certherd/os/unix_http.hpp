#pragma once

#include <certherd/os/http.hpp>

#include <functional>
#include <string_view>

namespace certherd::os {

/// What is asked of a service on this host. HTTP/1.1 of our own making: a verb that asks the service needs no library
/// for it, and so starts in milliseconds.
struct UnixRequest {
  std::filesystem::path socket;
  std::string method = "GET";
  std::string target = "/";  ///< path and query, encoded; percent_encoded() helps
  std::map<std::string, std::string> headers;
  std::string body;
  Seconds timeout{30};                            ///< of the whole exchange; of a stream until the request is sent
  std::size_t response_limit = 64 * 1024 * 1024;  ///< bytes of the body; of a stream: of one line
};

/// One blocking exchange. nullopt: nobody listens there, so the service does not run. Fault: no permission to connect,
/// with the group that has it; no whole answer in time; the connection ended before the whole answer; the answer is
/// not HTTP or larger than the limit.
Result<std::optional<HttpResponse>> unix_exchange(const UnixRequest& request);

/// The same with the lines of the body (without their newlines) handed out as they come, until the body ends or `line`
/// returns false. There is no limit in time, since the next line may take hours; a service that dies is noticed at
/// once, as a connection that ends too early. The value is the status of the response: the lines of one that is not
/// 2xx are its error.
Result<std::optional<int>> unix_stream(const UnixRequest& request,
                                       const std::function<bool(std::string_view line)>& line);

}  // namespace certherd::os
