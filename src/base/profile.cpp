#include "base/profile.h"

#include <algorithm>

#include <fmt/format.h>

namespace base {
namespace {

std::string line(const std::string& name, const std::string& times, const std::string& seconds,
                 const std::string& share, const std::string& rate, const std::string& floor) {
  std::string text = fmt::format("{:<24} {:>7} {:>10} {:>7} {:>11} {:>13}", name, times, seconds,
                                 share, rate, floor);
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

}  // namespace

Work& Work::operator+=(const Work& more) {
  tokens += more.tokens;
  operations += more.operations;
  bytes += more.bytes;
  return *this;
}

Profile::Timer::~Timer() {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
  profile_.add(phase_, seconds.count(), work_);
}

void Profile::add(const std::string& name, double seconds, const Work& work) {
  auto phase = std::find_if(phases_.begin(), phases_.end(),
                            [&](const Phase& known) { return known.name == name; });
  if (phase == phases_.end()) phase = phases_.insert(phases_.end(), {name, 0, 0, {}});
  phase->times += 1;
  phase->seconds += seconds;
  phase->work += work;
}

std::vector<std::string> describe(const Profile& profile, double seconds,
                                  const Ceilings& ceilings) {
  std::vector<std::string> lines = {
      line("phase", "times", "seconds", "share", "tokens/s", "of the floor")};
  double known = 0;
  for (const Profile::Phase& phase : profile.phases()) {
    known += phase.seconds;
    double floor = 0;
    if (ceilings.operations > 0) floor += phase.work.operations / ceilings.operations;
    if (ceilings.bytes > 0) floor += phase.work.bytes / ceilings.bytes;
    lines.push_back(line(phase.name, std::to_string(phase.times),
                         fmt::format("{:.1f}", phase.seconds),
                         percent(seconds > 0 ? phase.seconds / seconds : 0),
                         phase.work.tokens > 0 && phase.seconds > 0
                             ? fmt::format("{:.0f}", phase.work.tokens / phase.seconds)
                             : "",
                         floor > 0 && phase.seconds > 0 ? percent(floor / phase.seconds) : ""));
  }
  const double rest = std::max(0., seconds - known);
  lines.push_back(line("the rest", "", fmt::format("{:.1f}", rest),
                       percent(seconds > 0 ? rest / seconds : 0), "", ""));
  return lines;
}

}  // namespace base
