#include <certherd/api/server.hpp>
#include <certherd/os/file.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "peer.hpp"
#include "replies.hpp"
#include "socket_file.hpp"
#include "worker_pool.hpp"

namespace certherd::api {
namespace {

using service::Control;
using service::Reply;
using service::Request;
using State = Connection::State;

constexpr Milliseconds accept_pause{200};
constexpr Milliseconds last_replies{500};

/// One thread owns every connection: it gathers whole requests and sends replies without ever blocking, so that no
/// client, silent, slow or greedy, costs another anything. Only whole requests take a thread of the pools.
class Server : public ControlServer {
public:
  Server(ControlServerOptions options, Control& control, SocketFile file, os::Fd wake)
      : options_(std::move(options)),
        control_(control),
        file_(std::move(file)),
        wake_(std::move(wake)),
        requests_(options_.threads, options_.max_queued),
        streams_(options_.max_streams, 0),
        thread_(start_thread([this] { run(); })) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override { Server::stop(); }

  void close() override {
    closing_ = true;
    requests_.close();
    streams_.close();
    wake();
  }

  void stop() override {
    std::call_once(stopped_, [this] {
      close();
      requests_.stop();
      streams_.stop();
      finishing_ = true;
      wake();
      thread_.join();
    });
  }

private:
  struct Answer {
    std::shared_ptr<Connection> connection;
    std::optional<Reply> reply;  ///< none: the stream said all
  };

  void wake() { (void)::eventfd_write(wake_.get(), 1); }

  void run() {
    while (!over()) {
      if (closing_) end_service();
      wait();
      const auto now = Clock::now();
      deliver_answers(now);
      // Those that are accepted below are looked at in the next round.
      const std::size_t polled = connections_.size();
      for (std::size_t i = 0; i < polled; ++i) look_at(connections_[i], polled_[i + 2].revents, now);
      std::erase_if(connections_, [](const auto& connection) { return connection->state() == State::closed; });
      if (file_.fd() >= 0 && polled_[1].revents != 0) accept_clients(now);
    }
    connections_.clear();
    file_.close();
  }

  bool over() {
    if (!finishing_) return false;
    const auto now = Clock::now();
    deliver_answers(now);
    if (!finish_by_) {
      finish_by_ = now + last_replies;
      // What has no answer by now waited in a queue that is forgotten.
      for (const auto& connection : connections_)
        if (connection->state() == State::working) connection->reply(stopping(), now);
    }
    const auto writes = [](const auto& connection) { return connection->state() == State::writing; };
    return now >= *finish_by_ || std::none_of(connections_.begin(), connections_.end(), writes);
  }

  /// Fills polled_: the wake-up, the listener, then the connections in their order.
  void wait() {
    const auto now = Clock::now();
    auto until = now + std::chrono::hours(1);
    const bool paused = now < accept_again_;
    if (paused) until = std::min(until, accept_again_);
    if (finish_by_) until = std::min(until, *finish_by_);
    polled_.assign({{wake_.get(), POLLIN, 0}, {paused ? -1 : file_.fd(), POLLIN, 0}});
    for (const auto& connection : connections_) {
      polled_.push_back({connection->watched() ? connection->socket()->get() : -1, connection->events(), 0});
      if (connection->has_deadline()) until = std::min(until, connection->deadline());
    }
    const auto timeout = std::max<long long>(0, std::chrono::ceil<Milliseconds>(until - now).count());
    // A signal or a lack of memory is a round without news.
    if (::poll(polled_.data(), polled_.size(), static_cast<int>(timeout)) < 0)
      for (auto& entry : polled_) entry.revents = 0;
    if (polled_[0].revents != 0) {
      eventfd_t count = 0;
      (void)::eventfd_read(wake_.get(), &count);
    }
  }

  void look_at(const std::shared_ptr<Connection>& connection, short happened, Clock::time_point now) {
    if (happened != 0 && connection->ready(happened, now)) {
      const auto request = std::make_shared<Request>(connection->take_request());
      try {
        dispatch(connection, request, now);
      } catch (...) {
        connection->reply(failed_reply(*request), now);
      }
    }
    if (connection->has_deadline() && now >= connection->deadline()) connection->expire(now);
  }

  void dispatch(const std::shared_ptr<Connection>& connection, const std::shared_ptr<Request>& request,
                Clock::time_point now) {
    if (closing_) return connection->reply(stopping(), now);
    if (control_.streams(*request)) {
      auto stream = std::make_shared<LineStream>(connection->socket(), options_.response_timeout);
      connection->stream(stream);
      if (!streams_.submit([this, connection, request, stream] { run_stream(connection, *request, *stream); }))
        connection->reply(busy(std::to_string(options_.max_streams) + " clients wait for the end of something"), now);
    } else {
      connection->work();
      if (!requests_.submit([this, connection, request] { answer(connection, handled(*connection, *request)); }))
        connection->reply(busy(std::to_string(options_.max_queued) + " requests are waiting"), now);
    }
  }

  // --- on the threads of the pools ---

  /// Fills in who asks.
  std::optional<Reply> identify(const Connection& connection, Request& request) {
    auto actor = peer_actor(connection.socket()->get());
    if (!actor) return stranger();
    request.actor = std::move(*actor);
    return std::nullopt;
  }

  Reply handled(const Connection& connection, Request& request) {
    try {
      if (auto refusal = identify(connection, request)) return *refusal;
      return control_.handle(request);
    } catch (...) {
      return failed_reply(request);
    }
  }

  void run_stream(const std::shared_ptr<Connection>& connection, Request& request, LineStream& stream) {
    std::optional<Reply> reply;
    bool broken = false;
    try {
      reply = identify(*connection, request);
      if (!reply) control_.stream(request, stream);
    } catch (...) {
      // After the first line there is no status left to send: the missing end tells the client.
      broken = true;
      reply = failed_reply(request);
    }
    stream.forget_callback();
    if (!reply && !broken) reply = stream.finish();
    if (stream.started()) reply.reset();
    answer(connection, std::move(reply));
  }

  void answer(const std::shared_ptr<Connection>& connection, std::optional<Reply> reply) {
    {
      const std::lock_guard lock(answers_mutex_);
      answers_.push_back({connection, std::move(reply)});
    }
    wake();
  }

  // --- on the thread of the connections again ---

  void deliver_answers(Clock::time_point now) {
    std::vector<Answer> answers;
    {
      const std::lock_guard lock(answers_mutex_);
      answers.swap(answers_);
    }
    for (const auto& [connection, reply] : answers) {
      if (connection->state() == State::closed) continue;
      if (reply)
        connection->reply(*reply, now);
      else
        connection->finish(now);
    }
  }

  void accept_clients(Clock::time_point now) {
    constexpr int at_once = 32;
    for (int i = 0; i < at_once; ++i) {
      os::Fd client(::accept4(file_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client) {
        const bool exhausted = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
        // No descriptor or memory left: the listener would be reported at once again.
        if (exhausted && !push_out_one()) accept_again_ = now + accept_pause;
        return;
      }
      auto connection = std::make_shared<Connection>(std::move(client), options_, now);
      if (connections_.size() >= options_.max_connections && !push_out_one())
        connection->reply(busy(std::to_string(connections_.size()) + " clients are connected"), now);
      else
        connections_.push_back(std::move(connection));
    }
  }

  /// Makes room by closing a client that has its reply, or else the one that has been sending its request for longest.
  bool push_out_one() {
    for (const auto state : {State::draining, State::reading}) {
      const auto found = std::find_if(connections_.begin(), connections_.end(),
                                      [&](const auto& connection) { return connection->state() == state; });
      if (found == connections_.end()) continue;
      connections_.erase(found);
      return true;
    }
    return false;
  }

  void end_service() {
    file_.close();
    for (const auto& connection : connections_) connection->end_service();
    std::erase_if(connections_, [](const auto& connection) { return connection->state() == State::closed; });
  }

  const ControlServerOptions options_;
  Control& control_;
  SocketFile file_;
  os::Fd wake_;
  std::atomic<bool> closing_ = false;
  std::atomic<bool> finishing_ = false;
  std::once_flag stopped_;

  // Of the thread of the connections alone.
  std::vector<std::shared_ptr<Connection>> connections_;  ///< the oldest first
  std::vector<pollfd> polled_;
  Clock::time_point accept_again_;
  std::optional<Clock::time_point> finish_by_;

  std::mutex answers_mutex_;
  std::vector<Answer> answers_;

  WorkerPool requests_;
  WorkerPool streams_;
  std::thread thread_;  ///< last: it uses all of the others
};

}  // namespace

Result<std::unique_ptr<ControlServer>> start_control_server(ControlServerOptions options, Control& control) {
  os::Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return os::system_fault("cannot make an eventfd for", options.path, errno);
  auto file = SocketFile::listen(options.path, options.mode, options.group);
  if (!file) return file.fault();
  try {
    return std::unique_ptr<ControlServer>(
        std::make_unique<Server>(std::move(options), control, *std::move(file), std::move(wake)));
  } catch (const std::system_error& error) {
    return Fault{std::string("the control socket cannot be served: no thread: ") + error.what(),
                 "raise TasksMax of the unit or the process limit of the user",
                 {}};
  }
}

}  // namespace certherd::api
