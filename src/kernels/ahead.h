#pragma once

#include <cstddef>
#include <cstdint>

namespace kernels {

// Memory that is read next, brought near a few lines at a time while something else is computed.
// Nothing but time depends on it.
struct Ahead {
  static constexpr std::int64_t kLine = 64;  // bytes

  const std::byte* begin = nullptr;
  std::int64_t bytes = 0;

  // Part `part` of `parts` nearly equal ones, of whole lines but for the last one's end.
  Ahead part(std::int64_t part, std::int64_t parts) const {
    const auto end_of = [&](std::int64_t i) {
      return i < parts ? bytes * i / parts / kLine * kLine : bytes;
    };
    return {begin + end_of(part), end_of(part + 1) - end_of(part)};
  }

  // How many lines to fetch each time for all of them to be fetched in so many times.
  std::int64_t lines_each(std::int64_t times) const {
    const std::int64_t lines = (bytes + kLine - 1) / kLine;
    return lines == 0 ? 0 : (lines + times - 1) / times;
  }

  // Fetches so many lines, as far as there are any, and goes on behind them.
  void fetch(std::int64_t lines) {
    for (; lines > 0 && bytes > 0; --lines, begin += kLine, bytes -= kLine)
      __builtin_prefetch(begin, /*to write*/ 0, /*locality*/ 2);
  }
};

}  // namespace kernels
