#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/run.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace certherd::service {

/// What somebody asks of the running service, with who asks.
struct Request {
  std::string method;                        ///< "GET", "POST"
  std::string path;                          ///< decoded, without the query: "/v1/certificates/example.com"
  std::map<std::string, std::string> query;  ///< decoded; of a key that comes twice the last
  std::string body;
  Actor actor;
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  ///< more of them: "Allow", "Retry-After"
};

/// {"error": what happened, "fix": what to do}.
Reply error_reply(int status, const Fault& fault);
/// 404: nothing has this path.
Reply unknown_path(const Request& request);
/// 405 with its Allow header (RFC 9110 §15.5.6). `allowed` as in "GET, POST".
Reply wrong_method(const Request& request, const std::string& allowed);

/// An answer of many lines, each seen by the client as soon as it is written. Made for one thread; gone() for any.
class Stream {
public:
  virtual ~Stream() = default;
  /// One line, without its newline. false: the client is gone or the server stops; nothing more can be said. Waits for
  /// a client that reads slowly, some seconds at most.
  virtual bool write(std::string_view line) = 0;
  /// An ordinary reply in place of the lines; before the first write() alone.
  virtual void refuse(Reply reply) = 0;
  virtual bool gone() const = 0;
  /// Calls `told` once, from another thread, as soon as the client is gone or the server stops; at once if it is so
  /// already. Never after Control::stream() has returned. `told` must be quick.
  virtual void on_gone(std::function<void()> told) = 0;
};

/// The service as a server of any transport sees it. All functions are called from threads of the server, several at
/// a time. What they throw becomes status 500.
class Control {
public:
  virtual ~Control() = default;
  /// May block, within reason: a handful of threads serves everybody, and the end of the server waits for it.
  virtual Reply handle(const Request& request) = 0;
  /// Whether stream() rather than handle() answers. Must not block; the actor is not known yet.
  virtual bool streams(const Request& request) const = 0;
  /// Returns when the answer is complete. Has a thread to itself and may last for hours, but must return soon after the
  /// Stream is gone: the end of the server waits for it.
  virtual void stream(const Request& request, Stream& stream) = 0;
};

}  // namespace certherd::service
