#pragma once

#include <certherd/base/time.hpp>
#include <certherd/service/control.hpp>

#include <sys/types.h>

#include <filesystem>
#include <memory>

namespace certherd::api {

struct ControlServerOptions {
  std::filesystem::path path;  ///< its directory exists
  mode_t mode = 0660;          ///< who may connect may do everything: there is no other permission
  std::string group;           ///< of the socket; empty: that of the process

  std::size_t max_connections = 256;      ///< one more pushes out the one that has been silent longest
  std::size_t threads = 8;                ///< that run Control::handle()
  std::size_t max_queued = 64;            ///< requests that wait for one of them; beyond that 503 at once
  std::size_t max_streams = 32;           ///< open at a time, a thread each; beyond that 503 at once
  std::size_t head_limit = 16 * 1024;     ///< bytes of request line and headers; beyond that 431
  std::size_t body_limit = 1024 * 1024;   ///< bytes; beyond that 413
  Milliseconds request_timeout{10'000};   ///< from the connection to the whole request; then 408
  Milliseconds response_timeout{10'000};  ///< for a client to take a whole reply, or one line of a stream
};

/// HTTP/1.1 on a Unix socket, one request for each connection. Client errors, an overloaded server and exceptions of
/// Control are answered as JSON {"error", "fix"}; a client whose identity the kernel does not tell gets 403.
class ControlServer {
public:
  /// stop().
  virtual ~ControlServer() = default;
  /// Takes the socket file away, hears no more requests and tells every Stream that it is gone. Returns at once.
  virtual void close() = 0;
  /// close(), then waits until the calls into Control have returned and their replies are sent, the latter half a
  /// second at most. Never call it on a thread that these calls wait for.
  virtual void stop() = 0;
};

/// Listens from when it returns. The socket file has its mode and group before anybody can connect, takes the place of
/// one on which nobody answers, and is removed at the end. Fault: the socket is in use, its directory cannot be
/// written, the group does not exist or cannot be given.
Result<std::unique_ptr<ControlServer>> start_control_server(ControlServerOptions options, service::Control& control);

}  // namespace certherd::api
