#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace certherd::api {

/// Threads for jobs that block, made as they are needed and kept; bounded in number, as is the queue before them.
class WorkerPool {
public:
  WorkerPool(std::size_t threads, std::size_t queued) : threads_limit_(threads), queue_limit_(queued) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() { stop(); }

  /// false: every thread is busy and the queue is full, or the pool is closed. The job must not throw.
  bool submit(std::function<void()> job);
  /// Forgets the jobs that have not begun and takes no more. Returns at once.
  void close();
  /// close(), then waits for the jobs that have begun.
  void stop();

private:
  void work();
  bool add_thread();

  const std::size_t threads_limit_;
  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool closed_ = false;
};

/// A thread that takes no signals: they belong to the one thread that runs the service.
std::thread start_thread(std::function<void()> body);

}  // namespace certherd::api
