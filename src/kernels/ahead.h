#pragma once

#include <cstddef>
#include <cstdint>

namespace kernels {

// Memory that is read next, to be brought near while something else is computed: a few lines at a
// time, as many as the processor waits for at once. Nothing but time depends on it.
struct Ahead {
  const std::byte* begin = nullptr;
  std::int64_t bytes = 0;

  // Part `part` of `parts` nearly equal ones, of whole lines.
  Ahead part(std::int64_t part, std::int64_t parts) const {
    const std::int64_t from = bytes * part / parts / kLine * kLine,
                       to = part + 1 < parts ? bytes * (part + 1) / parts / kLine * kLine : bytes;
    return {begin + from, to - from};
  }
  // How many lines to fetch each time so that all are fetched in so many times.
  std::int64_t lines(std::int64_t times) const {
    return bytes == 0 ? 0 : (bytes / kLine + times - 1) / times;
  }
  void fetch() const {
    for (std::int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(begin + at, 0, 2);
  }

  static constexpr std::int64_t kLine = 64;
};

}  // namespace kernels
