#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace base {

// Where progress and news go; the cli gives one that writes to standard error, tests one that keeps
// the lines.
class Console {
 public:
  virtual ~Console() = default;
  virtual void line(const std::string& text) = 0;      // news, stays
  virtual void progress(const std::string& text) = 0;  // replaces the last progress where it can
};

// A console that says nothing.
Console& silent_console();

// A console on standard error: progress is redrawn in place on a terminal, and a plain line at most
// every ten seconds elsewhere. Colours only on a terminal and without NO_COLOR.
Console& terminal_console();

// Counts steps towards a total and shows rate and time left: "sft  120/400 steps  3.1/s  1m30s left
// loss 3.21".
class Progress {
 public:
  Progress(Console& console, std::string what, std::int64_t total, std::int64_t done = 0);
  void advance(std::int64_t steps = 1, const std::string& note = "");
  void finish();

 private:
  Console& console_;
  std::string what_;
  std::int64_t total_, first_, done_;
  std::chrono::steady_clock::time_point start_;
};

// "1m30s", "2h05m", "0.4s".
std::string format_duration(double seconds);

}  // namespace base
