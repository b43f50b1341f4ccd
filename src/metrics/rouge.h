#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace metrics {

// ROUGE-L of one sentence (Lin 2004): the longest common subsequence of words, over the words of
// the hypothesis (precision) and of the reference (recall), and their harmonic mean. 0 to 1; all 0
// where either has no word.
struct RougeL {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

// Words as the package rouge-score cuts them, without its stemmer: runs of ASCII letters and digits
// in lower case; all other characters stand between words.
std::vector<std::string> rouge_words(std::string_view text);

RougeL rouge_l(std::string_view hypothesis, std::string_view reference);

// The mean F1 over sentences; 0 where there is none. Throws base::Error (internal) where the
// lengths differ.
double mean_rouge_l(const std::vector<std::string>& hypotheses,
                    const std::vector<std::string>& references);

}  // namespace metrics
