#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace serve {

// A thread for what takes long, so that it holds up nobody else: one piece of work after another.
class Worker {
 public:
  explicit Worker(std::size_t most_waiting);
  ~Worker();  // stop()

  // From any thread. The work must not throw. False where too much waits already.
  bool run(std::function<void()> work);
  // Drops what has not begun, and ends after what has.
  void stop();

 private:
  void work();

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace serve
