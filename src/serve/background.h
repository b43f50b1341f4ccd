#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/json.h"

namespace serve {

// A result that takes long to work out, for those who look at it again and again: worked out on a
// thread of its own when somebody has asked, and then not again before a hundred times as long as
// it took has passed, and `least` at the least.
class Background {
 public:
  Background(std::function<base::Json()> work, std::chrono::milliseconds least);
  ~Background();

  // The newest result, null where there is none yet; asks for a newer one.
  base::Json latest();

 private:
  void run();

  const std::function<base::Json()> work_;
  const std::chrono::milliseconds least_;
  std::mutex mutex_;
  std::condition_variable changed_;
  base::Json latest_;
  bool asked_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace serve
