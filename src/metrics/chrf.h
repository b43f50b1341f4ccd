#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace metrics {

// chrF2 (Popovic 2015, 2016) as SacreBLEU 2.6 computes it by default: F with beta 2 over character
// 1- to 6-grams, white space left out, no words, orders that a side is too short for not counted.
// Characters are code points; a byte that is not UTF-8 counts as one.
inline constexpr std::size_t kChrfOrder = 6;
inline constexpr double kChrfBeta = 2;

// What it is computed from; sums over sentences, by order.
struct ChrfCounts {
  std::int64_t hypothesis[kChrfOrder] = {};  // n-grams; 0 where the reference has none
  std::int64_t reference[kChrfOrder] = {};
  std::int64_t matches[kChrfOrder] = {};
};

struct ChrfScore {
  double score = 0;  // 0 to 100
  ChrfCounts counts;
  std::string signature;  // "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:attune-1"
};

// One reference a sentence. Throws base::Error (internal) where the lengths differ.
ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses,
                      const std::vector<std::string>& references);

double sentence_chrf(std::string_view hypothesis, std::string_view reference);

// The score of counts.
double chrf_of_counts(const ChrfCounts& counts);

}  // namespace metrics
