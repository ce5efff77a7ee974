#include "connection.hpp"

#include <certherd/base/text.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace certherd::api {
namespace {

// How long and how much of what nobody asked for is read after the reply.
constexpr Milliseconds drain_time{1000};
constexpr std::size_t drain_limit = 4 * 1024 * 1024;

using Buffer = std::array<char, 64 * 1024>;

}  // namespace

Connection::Connection(os::Fd socket, const ControlServerOptions& options, Clock::time_point now)
    : socket_(std::make_shared<os::Fd>(std::move(socket))),
      options_(options),
      deadline_(now + options.request_timeout),
      reader_(options.head_limit, options.body_limit) {}

bool Connection::has_deadline() const {
  return state_ == State::reading || state_ == State::writing || state_ == State::draining;
}

short Connection::events() const {
  if (state_ == State::reading || state_ == State::draining) return POLLIN;
  return state_ == State::writing ? POLLOUT : 0;
}

bool Connection::watched() const {
  // poll(2) reports the client's end whether it is asked for or not, and again and again.
  return has_deadline() || (state_ == State::streaming && !stream_->gone());
}

bool Connection::ready(short happened, Clock::time_point now) {
  switch (state_) {
    case State::reading:
      return read_request(now);
    case State::streaming:
      // POLLHUP: closed. A client that has only ended its sending side still reads.
      if ((happened & (POLLHUP | POLLERR)) != 0) stream_->set_gone();
      break;
    case State::writing:
      write_reply(now);
      break;
    case State::draining:
      drain();
      break;
    case State::working:
    case State::closed:
      break;
  }
  return false;
}

bool Connection::read_request(Clock::time_point now) {
  Buffer buffer;
  const ssize_t got = ::recv(socket_->get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    state_ = State::closed;
    return false;
  }
  switch (reader_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)))) {
    case RequestReader::Progress::more:
      return false;
    case RequestReader::Progress::refused:
      reply(reader_.refusal(), now);
      return false;
    case RequestReader::Progress::whole:
      return true;
  }
  return false;
}

service::Request Connection::take_request() {
  service::Request request = reader_.take();
  method_ = request.method;
  return request;
}

void Connection::stream(std::shared_ptr<LineStream> stream) {
  stream_ = std::move(stream);
  state_ = State::streaming;
}

void Connection::reply(const service::Reply& reply, Clock::time_point now) {
  output_ = render(reply, method_);
  sent_ = 0;
  state_ = State::writing;
  deadline_ = now + options_.response_timeout;
  write_reply(now);
}

void Connection::write_reply(Clock::time_point now) {
  while (sent_ < output_.size()) {
    const ssize_t sent =
        ::send(socket_->get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      state_ = State::closed;
      return;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  finish(now);
}

void Connection::finish(Clock::time_point now) {
  output_.clear();
  ::shutdown(socket_->get(), SHUT_WR);
  state_ = State::draining;
  deadline_ = now + drain_time;
}

void Connection::drain() {
  Buffer buffer;
  const ssize_t got = ::recv(socket_->get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) drained_ += static_cast<std::size_t>(got);
  if (got <= 0 || drained_ > drain_limit) state_ = State::closed;
}

void Connection::expire(Clock::time_point now) {
  if (state_ != State::reading || !reader_.begun()) {
    state_ = State::closed;
    return;
  }
  const auto limit = std::chrono::duration_cast<Milliseconds>(options_.request_timeout);
  reply(service::error_reply(408, {"the request was not whole after " + format_elapsed(limit),
                                   "send it at once: head, empty line and as much body as Content-Length says",
                                   {}}),
        now);
}

void Connection::end_service() {
  if (state_ == State::reading || state_ == State::draining) state_ = State::closed;
  if (state_ != State::streaming) return;
  stream_->set_gone();
  // A thread that waits for a slow reader wakes up.
  ::shutdown(socket_->get(), SHUT_RDWR);
}

}  // namespace certherd::api
