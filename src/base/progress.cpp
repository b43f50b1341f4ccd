#include "base/progress.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

namespace base {
namespace {

class SilentConsole : public Console {
 public:
  void line(const std::string&) override {}
  void progress(const std::string&) override {}
};

class TerminalConsole : public Console {
 public:
  void line(const std::string& text) override {
    clear();
    std::fprintf(stderr, "%s\n", text.c_str());
  }

  void progress(const std::string& text) override {
    const auto now = std::chrono::steady_clock::now();
    if (terminal_) {
      if (now - last_ < std::chrono::milliseconds(100)) return;
      std::fprintf(stderr, "\r\033[K%s", text.c_str());
      std::fflush(stderr);
      drawn_ = true;
    } else {
      if (now - last_ < std::chrono::seconds(10)) return;
      std::fprintf(stderr, "%s\n", text.c_str());
    }
    last_ = now;
  }

 private:
  void clear() {
    if (drawn_) std::fprintf(stderr, "\r\033[K");
    drawn_ = false;
  }

  const bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

Console& silent_console() {
  static SilentConsole console;
  return console;
}

Console& terminal_console() {
  static TerminalConsole console;
  return console;
}

Progress::Progress(Console& console, std::string what, std::int64_t total, std::int64_t done)
    : console_(console),
      what_(std::move(what)),
      total_(total),
      first_(done),
      done_(done),
      start_(std::chrono::steady_clock::now()) {}

void Progress::advance(std::int64_t steps, const std::string& note) {
  done_ += steps;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  const double rate = static_cast<double>(done_ - first_) / std::max(elapsed.count(), 1e-9);
  const double left =
      static_cast<double>(std::max<std::int64_t>(total_ - done_, 0)) / std::max(rate, 1e-9);
  console_.progress(fmt::format("{}  {}/{}  {:.3g}/s  {} left{}{}", what_, done_, total_, rate,
                                format_duration(left), note.empty() ? "" : "  ", note));
}

void Progress::finish() {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  console_.line(
      fmt::format("{}  {}/{} in {}", what_, done_, total_, format_duration(elapsed.count())));
}

std::string format_duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<long>(seconds + .5);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

}  // namespace base
