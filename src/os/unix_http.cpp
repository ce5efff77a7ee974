#include <certherd/base/text.hpp>
#include <certherd/os/unix_http.hpp>

#include "line_splitter.hpp"
#include "unix_socket.hpp"

#include <algorithm>
#include <charconv>

namespace certherd::os {
namespace {

constexpr std::size_t head_limit = 64 * 1024;

/// Status, headers and then the body of one response, piece by piece as it comes.
class Response {
public:
  Response(UnixSocket& socket, std::string_view method) : socket_(socket) {
    read_status_line();
    for (std::string line = read_line(); !line.empty(); line = read_line()) read_header(line);
    const bool none = method == "HEAD" || status_ == 204 || status_ == 304;
    if (none) {
      left_ = 0;
    } else if (header("transfer-encoding") == "chunked") {
      chunked_ = true;
    } else if (const std::string length = header("content-length"); !length.empty()) {
      const auto number = parse_number(length);
      if (!number) not_http();
      left_ = static_cast<std::size_t>(*number);
    }
  }

  int status() const { return status_; }
  const std::map<std::string, std::string>& headers() const { return headers_; }

  /// The next piece of the body; "" once it is whole.
  std::string next() {
    if (chunked_ && !left_ && !next_chunk()) return {};
    if (left_ == std::size_t{0}) return {};
    if (bytes_.empty()) bytes_ = socket_.receive();
    if (bytes_.empty()) {
      // Without a length the end of the connection is the end of the body (RFC 9112 §6.3).
      if (left_) ended_early();
      return {};
    }
    const std::size_t size = std::min(bytes_.size(), left_.value_or(bytes_.size()));
    std::string piece = bytes_.substr(0, size);
    bytes_.erase(0, size);
    if (left_) *left_ -= size;
    if (chunked_ && left_ == std::size_t{0}) end_chunk();
    return piece;
  }

private:
  std::string header(const std::string& name) const {
    const auto found = headers_.find(name);
    return found == headers_.end() ? "" : to_lower(found->second);
  }

  void read_status_line() {
    // "HTTP/1.1 200 OK" (RFC 9112 §4).
    const std::string line = read_line();
    const auto number = line.size() >= 12 ? parse_number(line.substr(9, 3)) : std::nullopt;
    if (!line.starts_with("HTTP/1.1 ") || !number || *number < 200) not_http();
    status_ = static_cast<int>(*number);
  }

  void read_header(const std::string& line) {
    const auto colon = line.find(':');
    if (colon == line.npos || headers_.size() >= 200) not_http();
    auto& kept = headers_[to_lower(line.substr(0, colon))];
    kept += (kept.empty() ? "" : ", ") + std::string(trim(line.substr(colon + 1)));
  }

  /// A line of the head or of the chunk framing, without its end.
  std::string read_line() {
    for (;;) {
      const auto end = bytes_.find('\n');
      if (end > head_limit && bytes_.size() > head_limit) not_http();
      if (end != bytes_.npos) {
        std::string line = bytes_.substr(0, end);
        bytes_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        return line;
      }
      const std::string more = socket_.receive();
      if (more.empty()) ended_early();
      bytes_ += more;
    }
  }

  /// false: that was the last one.
  bool next_chunk() {
    const std::string line = read_line();
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    if (error != std::errc{} || (end != line.data() + line.size() && *end != ';' && *end != ' ')) not_http();
    left_ = size;
    if (size > 0) return true;
    while (!read_line().empty()) continue;  // trailer fields
    return false;
  }

  void end_chunk() {
    if (!read_line().empty()) not_http();
    left_.reset();
  }

  [[noreturn]] void ended_early() const {
    socket_.fail("the connection ended before the whole answer", "look into the log of the service");
  }
  [[noreturn]] void not_http() const { socket_.fail("the answer is not HTTP/1.1", "look which program listens there"); }

  UnixSocket& socket_;
  std::string bytes_;  ///< received and not yet used
  int status_ = 0;
  std::map<std::string, std::string> headers_;
  bool chunked_ = false;
  std::optional<std::size_t> left_;  ///< of the body or, while one is being read, of the chunk
};

std::string written(const UnixRequest& request) {
  std::string message = request.method + " " + request.target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) message.append(name).append(": ").append(value).append("\r\n");
  return message + "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
}

/// Sends the request; what follows is the response. A service that hears no more has an answer ready: that it is busy,
/// or that the request is too large.
std::optional<UnixSocket> asked(const UnixRequest& request) {
  auto socket = UnixSocket::connect(request.socket, request.timeout);
  if (socket) socket->send(written(request));
  return socket;
}

}  // namespace

Result<std::optional<HttpResponse>> unix_exchange(const UnixRequest& request) {
  try {
    auto socket = asked(request);
    if (!socket) return std::optional<HttpResponse>();
    Response response(*socket, request.method);
    HttpResponse whole{response.status(), response.headers(), {}};
    for (std::string piece = response.next(); !piece.empty(); piece = response.next()) {
      whole.body += piece;
      if (whole.body.size() > request.response_limit)
        socket->fail("the answer is longer than " + std::to_string(request.response_limit) + " bytes",
                     "ask for less at once");
    }
    return std::optional(std::move(whole));
  } catch (const Failed& failed) {
    return failed.fault();
  }
}

Result<std::optional<int>> unix_stream(const UnixRequest& request,
                                       const std::function<bool(std::string_view line)>& line) {
  try {
    auto socket = asked(request);
    if (!socket) return std::optional<int>();
    socket->wait_for_ever();
    Response response(*socket, request.method);
    bool wanted = true;
    LineSplitter lines(request.response_limit, [&](std::string_view text) { wanted = wanted && line(text); });
    // Not asked for more than is wanted: the next piece may take hours.
    for (std::string piece; wanted && !(piece = response.next()).empty();) lines.feed(piece);
    if (wanted) lines.finish();
    return std::optional(response.status());
  } catch (const Failed& failed) {
    return failed.fault();
  }
}

}  // namespace certherd::os
