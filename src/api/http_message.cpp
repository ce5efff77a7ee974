#include "http_message.hpp"

#include <certherd/base/text.hpp>

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/URI.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <sstream>

namespace certherd::api {
namespace {

namespace net = Poco::Net;
using service::error_reply;
using service::Reply;

Reply malformed(const std::string& what) {
  return error_reply(400, {"this is no request: " + what, "send HTTP/1.1, as `certherd` and `curl` do", {}});
}

/// nullopt: a percent sign that starts nothing, or bytes that no name holds.
std::optional<std::string> decoded(const std::string& text) {
  std::string plain;
  try {
    Poco::URI::decode(text, plain);
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
  if (printable(plain) != plain || plain.find_first_of("\n\t") != plain.npos) return std::nullopt;
  return plain;
}

bool read_target(const std::string& target, service::Request& request) {
  const auto mark = target.find('?');
  const auto path = decoded(target.substr(0, mark));
  if (!path || !path->starts_with('/')) return false;
  request.path = *path;
  if (mark == target.npos) return true;
  std::string query = target.substr(mark + 1);
  std::replace(query.begin(), query.end(), '+', ' ');
  for (const auto& part : split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const auto key = decoded(part.substr(0, equals));
    const auto value = equals == part.npos ? std::string() : decoded(part.substr(equals + 1));
    if (!key || !value) return false;
    request.query[*key] = *value;
  }
  return true;
}

/// nullopt: no number, or several that differ (RFC 9112 §6.3).
std::optional<std::size_t> content_length(const net::HTTPRequest& message) {
  std::optional<long long> length;
  for (const auto& [name, value] : message) {
    if (to_lower(name) != "content-length") continue;
    const auto number = parse_number(value);
    if (!number || (length && *length != *number)) return std::nullopt;
    length = number;
  }
  return static_cast<std::size_t>(length.value_or(0));
}

void add_headers(net::HTTPResponse& message, const Reply& reply) {
  for (const auto& [name, value] : reply.headers) {
    // A line break would begin another header.
    std::string line = printable(value);
    std::replace(line.begin(), line.end(), '\n', ' ');
    message.set(name, line);
  }
}

std::string written(net::HTTPResponse& message) {
  message.setKeepAlive(false);
  message.set("Cache-Control", "no-store");
  std::ostringstream out;
  message.write(out);
  return out.str();
}

}  // namespace

std::variant<RequestHead, Reply> parse_head(const std::string& head) {
  net::HTTPRequest message;
  std::istringstream in(head);
  try {
    message.read(in);
  } catch (const Poco::Exception& error) {
    return malformed(printable(error.message().empty() ? error.name() : error.message()));
  }
  if (message.getVersion() != net::HTTPMessage::HTTP_1_1)
    return error_reply(505, {"this is not HTTP/1.1", "send HTTP/1.1, as `certherd` and `curl` do", {}});
  RequestHead parsed;
  parsed.request.method = message.getMethod();
  if (!read_target(message.getURI(), parsed.request)) return malformed("its path or query is malformed");
  if (message.has(net::HTTPMessage::TRANSFER_ENCODING))
    return error_reply(411, {"the length of the body is not told", "send Content-Length, not Transfer-Encoding", {}});
  const auto length = content_length(message);
  if (!length) return malformed("its Content-Length is no number");
  parsed.content_length = *length;
  return parsed;
}

std::string render(const Reply& reply, std::string_view method) {
  const auto status = static_cast<net::HTTPResponse::HTTPStatus>(reply.status);
  net::HTTPResponse message(net::HTTPMessage::HTTP_1_1, status, net::HTTPResponse::getReasonForStatus(status));
  add_headers(message, reply);
  message.setContentType(reply.content_type);
  message.setContentLength64(static_cast<Poco::Int64>(reply.body.size()));
  return written(message) + (method == "HEAD" ? std::string() : reply.body);
}

std::string stream_head() {
  net::HTTPResponse message(net::HTTPMessage::HTTP_1_1, net::HTTPResponse::HTTP_OK, "OK");
  message.setContentType("application/x-ndjson");
  message.setChunkedTransferEncoding(true);
  return written(message);
}

std::string chunk_of(std::string_view line) {
  std::array<char, 24> size{};
  (void)std::snprintf(size.data(), size.size(), "%zx\r\n", line.size() + 1);
  return size.data() + std::string(line) + "\n\r\n";
}

}  // namespace certherd::api
