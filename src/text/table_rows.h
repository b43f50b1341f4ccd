#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>

// The rows of the Unicode tables that tools/write_unicode_tables.py writes.
namespace text::tables {

struct Range {
  char32_t first, last;  // both inclusive
};

// first, first + step, ..., last have their lower case `delta` further on.
struct LowerRun {
  char32_t first, last;
  int step, delta;
};

// first ... last have this canonical combining class.
struct ClassRun {
  char32_t first, last;
  int value;
};

// `code_point` is written as the characters of `into` up to the first 0.
struct Decomposition {
  char32_t code_point;
  char32_t into[4];
};

struct Composition {
  char32_t first, second, result;
};

// Whether one of the ranges, which are in order, holds the code point.
template <std::size_t n>
bool contains(const Range (&ranges)[n], char32_t code_point) {
  const auto* after =
      std::upper_bound(std::begin(ranges), std::end(ranges), code_point,
                       [](char32_t value, const Range& range) { return value < range.first; });
  return after != std::begin(ranges) && code_point <= (after - 1)->last;
}

// The lower case by a table in order; the code point itself where it has none.
template <std::size_t n>
char32_t lower_case(const LowerRun (&runs)[n], char32_t code_point) {
  const auto* after =
      std::upper_bound(std::begin(runs), std::end(runs), code_point,
                       [](char32_t value, const LowerRun& run) { return value < run.first; });
  if (after == std::begin(runs)) return code_point;
  const LowerRun& run = *(after - 1);
  if (code_point > run.last || (code_point - run.first) % run.step != 0) return code_point;
  return code_point + run.delta;
}

}  // namespace text::tables
