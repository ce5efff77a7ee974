#pragma once

#include <certherd/api/server.hpp>
#include <certherd/os/fd.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "line_stream.hpp"
#include "request_reader.hpp"

namespace certherd::api {

using Clock = std::chrono::steady_clock;

/// One client, as the thread that owns all of them sees it. Nothing here blocks.
class Connection {
public:
  enum class State {
    reading,    ///< the request comes in
    working,    ///< Control is asked; nothing to do for this connection
    streaming,  ///< Control writes lines; watched for the client's end
    writing,    ///< the reply goes out
    draining,   ///< all is said; what the client still sends is read, so that it can read the reply in peace
    closed
  };

  Connection(os::Fd socket, const ControlServerOptions& options, Clock::time_point now);

  State state() const { return state_; }
  Clock::time_point deadline() const { return deadline_; }  ///< of reading, writing and draining
  bool has_deadline() const;
  short events() const;  ///< for poll(2)
  bool watched() const;  ///< whether poll(2) has to look at it
  const std::shared_ptr<os::Fd>& socket() const { return socket_; }

  /// Goes on after poll(2) has reported something. true: the request is whole, take_request() and then work or stream.
  bool ready(short happened, Clock::time_point now);
  service::Request take_request();
  void work() { state_ = State::working; }
  void stream(std::shared_ptr<LineStream> stream);

  /// Sends the reply and ends.
  void reply(const service::Reply& reply, Clock::time_point now);
  /// Ends after what is sent already.
  void finish(Clock::time_point now);
  /// The deadline has passed.
  void expire(Clock::time_point now);
  /// The server ends: no more requests, streams are gone; replies may still go out.
  void end_service();

private:
  bool read_request(Clock::time_point now);
  void write_reply(Clock::time_point now);
  void drain();

  std::shared_ptr<os::Fd> socket_;
  const ControlServerOptions& options_;
  State state_ = State::reading;
  Clock::time_point deadline_;
  RequestReader reader_;
  std::string method_;  ///< of the request
  std::string output_;
  std::size_t sent_ = 0;
  std::size_t drained_ = 0;
  std::shared_ptr<LineStream> stream_;
};

}  // namespace certherd::api
