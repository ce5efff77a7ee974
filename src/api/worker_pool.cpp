#include "worker_pool.hpp"

#include <signal.h>

#include <system_error>
#include <utility>

namespace certherd::api {

std::thread start_thread(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // A thread begins with the mask of the one that makes it.
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread(std::move(body));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
  } catch (const std::system_error&) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

bool WorkerPool::submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    // Each job that waits takes one of the idle threads sooner or later.
    const bool taken_at_once = jobs_.size() < idle_ || add_thread();
    if (!taken_at_once && (threads_.empty() || jobs_.size() - idle_ >= queue_limit_)) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

bool WorkerPool::add_thread() {
  if (threads_.size() >= threads_limit_) return false;
  try {
    threads_.push_back(start_thread([this] { work(); }));
  } catch (const std::system_error&) {
    return false;  // the system has no thread to give: those that are there go on
  }
  // Counted before it runs, so that the next submit() does not take its job for its own.
  ++idle_;
  return true;
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (closed_) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    --idle_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    ++idle_;
  }
}

void WorkerPool::close() {
  std::deque<std::function<void()>> forgotten;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    forgotten.swap(jobs_);
  }
  wake_.notify_all();
}

void WorkerPool::stop() {
  close();
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace certherd::api
