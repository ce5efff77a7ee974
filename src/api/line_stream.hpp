#pragma once

#include <certherd/base/time.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/service/control.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace certherd::api {

/// The Stream of one connection: each line a chunk.
class LineStream : public service::Stream {
public:
  LineStream(std::shared_ptr<os::Fd> socket, Milliseconds timeout) : socket_(std::move(socket)), timeout_(timeout) {}

  bool write(std::string_view line) override;
  void refuse(service::Reply reply) override;
  bool gone() const override { return gone_; }
  void on_gone(std::function<void()> told) override;

  /// The client is gone, or has to be taken for it.
  void set_gone();
  /// Calls nobody any more.
  void forget_callback();
  bool started() const { return started_; }
  /// Ends what was written. The reply that is to be sent instead if nothing was.
  std::optional<service::Reply> finish();

private:
  bool send(std::string_view bytes);

  std::shared_ptr<os::Fd> socket_;
  Milliseconds timeout_;
  bool started_ = false;
  std::optional<service::Reply> refusal_;
  std::atomic<bool> gone_ = false;
  std::mutex mutex_;  ///< of the callback
  std::function<void()> told_;
};

}  // namespace certherd::api
