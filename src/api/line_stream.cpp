#include "line_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "http_message.hpp"

namespace certherd::api {

bool LineStream::write(std::string_view line) {
  if (refusal_) throw std::logic_error("a line after the stream was refused");
  const std::string chunk = chunk_of(line);
  const bool begun = std::exchange(started_, true);
  return send(begun ? chunk : stream_head() + chunk);
}

void LineStream::refuse(service::Reply reply) {
  if (started_) throw std::logic_error("a stream was refused after its first line");
  refusal_ = std::move(reply);
}

void LineStream::on_gone(std::function<void()> told) {
  const std::lock_guard lock(mutex_);
  if (gone_)
    told();
  else
    told_ = std::move(told);
}

void LineStream::set_gone() {
  // Called under the lock: forget_callback() returns only when no call is on its way.
  const std::lock_guard lock(mutex_);
  gone_ = true;
  if (told_) std::exchange(told_, nullptr)();
}

void LineStream::forget_callback() {
  const std::lock_guard lock(mutex_);
  told_ = nullptr;
}

std::optional<service::Reply> LineStream::finish() {
  if (refusal_) return std::move(refusal_);
  if (!started_) return service::Reply{200, "application/x-ndjson", "", {}};
  send(last_chunk);
  return std::nullopt;
}

bool LineStream::send(std::string_view bytes) {
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  while (!bytes.empty() && !gone_) {
    const ssize_t sent = ::send(socket_->get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd ready{socket_->get(), POLLOUT, 0};
    const bool again = errno == EAGAIN && left > 0 && ::poll(&ready, 1, static_cast<int>(left)) != 0;
    if (!again) set_gone();
  }
  return !gone_;
}

}  // namespace certherd::api
