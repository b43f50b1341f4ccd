#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace base {

// What was done in a while: tokens gone through, and what the machine had to do for it at least.
// 0: not known.
struct Work {
  double tokens = 0;
  double operations = 0;  // multiplications and additions of matrix products
  double bytes = 0;       // read and written

  Work& operator+=(const Work& more);
};

// Where the time of a stage goes, by phases that do not overlap.
class Profile {
 public:
  struct Phase {
    std::string name;
    std::int64_t times = 0;
    double seconds = 0;
    Work work;
  };

  // From now until it is destroyed is a time of that phase.
  class Timer {
   public:
    Timer(Profile& profile, std::string phase, const Work& work)
        : profile_(profile), phase_(std::move(phase)), work_(work) {}
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    Profile& profile_;
    std::string phase_;
    Work work_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };
  [[nodiscard]] Timer time(std::string phase, const Work& work = {}) {
    return {*this, std::move(phase), work};
  }

  // What `work` returns. The time that it takes is a time of that phase.
  template <class F>
  decltype(auto) during(std::string phase, F&& work) {
    const Timer timer = time(std::move(phase));
    return work();
  }

  void add(const std::string& phase, double seconds, const Work& work = {});

  const std::vector<Phase>& phases() const { return phases_; }  // in the order they were first met

 private:
  std::vector<Phase> phases_;
};

// What a machine does in a second at most.
struct Ceilings {
  double operations = 0, bytes = 0;
};

// A table of the phases and of what is left of the `seconds` that they were part of, a line each:
// name, times, seconds, share of all, tokens a second, and how much of the time the ceilings alone
// would have taken ("of the floor").
std::vector<std::string> describe(const Profile& profile, double seconds, const Ceilings& ceilings);

}  // namespace base
