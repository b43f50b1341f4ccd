#include "serve/background.h"

#include <algorithm>

namespace serve {

using Clock = std::chrono::steady_clock;

Background::Background(std::function<base::Json()> work, std::chrono::milliseconds least)
    : work_(std::move(work)), least_(least), thread_([this] { run(); }) {}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

base::Json Background::latest() {
  const std::lock_guard lock(mutex_);
  asked_ = true;
  changed_.notify_all();
  return latest_;
}

void Background::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return asked_ || stopping_; });
    if (stopping_) return;
    asked_ = false;
    lock.unlock();
    const Clock::time_point began = Clock::now();
    base::Json result;
    try {
      result = work_();
    } catch (const std::exception&) {  // the store may be busy with an erasure: next time
    }
    const auto took = Clock::now() - began;
    lock.lock();
    if (!result.is_null()) latest_ = std::move(result);
    changed_.wait_for(lock, std::max<Clock::duration>(least_, 100 * took),
                      [&] { return stopping_; });
  }
}

}  // namespace serve
