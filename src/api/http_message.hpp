#pragma once

#include <certherd/service/control.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace certherd::api {

/// What the head of a request says.
struct RequestHead {
  service::Request request;  ///< without body and actor
  std::size_t content_length = 0;
};

/// A head from the request line to the empty line, both included; or the reply to one that is no HTTP/1.1 (400, 505) or
/// whose body has no length (411).
std::variant<RequestHead, service::Reply> parse_head(const std::string& head);

/// The whole response, with "Connection: close". The reply to HEAD has no body (RFC 9110 §9.3.2).
std::string render(const service::Reply& reply, std::string_view method);

/// The head of a response whose lines follow in chunks.
std::string stream_head();
/// One line with its newline as one chunk (RFC 9112 §7.1).
std::string chunk_of(std::string_view line);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace certherd::api
