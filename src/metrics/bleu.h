#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metrics {

// BLEU (Papineni et al. 2002) as SacreBLEU 2.6 computes it (Post 2018).
enum class BleuTokenizer {
  mteval_13a,  // "13a", SacreBLEU's default: punctuation apart, as the WMT's mteval-v13a
  whitespace,  // "none": the text is cut already
};

// What stands in for a precision of 0 (Chen & Cherry 2014).
enum class BleuSmoothing {
  none,
  floor,  // `smoothing_value` matches instead of none (default .1)
  add_k,  // `smoothing_value` more matches and n-grams above order 1 (default 1)
  exp,    // 1/2, 1/4, … matches: SacreBLEU's default
};

enum class BleuCase { mixed, lower_ascii };

// How many orders are averaged.
enum class BleuOrder {
  full,       // always `order`; for a corpus
  effective,  // only those that the hypothesis is long enough for; for single sentences
};

// What the caller did with the names of items before: said in the signature, no more.
enum class BleuItems {
  named,   // they are words like others
  masked,  // one word stands for every item
};

struct BleuOptions {
  int order = 4;  // the longest n-gram
  BleuTokenizer tokenizer = BleuTokenizer::mteval_13a;
  BleuSmoothing smoothing = BleuSmoothing::exp;
  std::optional<double> smoothing_value = std::nullopt;
  BleuCase letter_case = BleuCase::mixed;
  BleuOrder averaging = BleuOrder::full;
  BleuItems items = BleuItems::named;
};

// What BLEU is computed from; sums over sentences.
struct BleuCounts {
  std::vector<double> matches;  // by order; clipped by the references
  std::vector<double> totals;
  std::int64_t hypothesis_length = 0;  // tokens
  std::int64_t reference_length = 0;   // of the reference nearest in length, the shorter of equals
};

struct BleuScore {
  double score = 0;                // 0 to 100
  std::vector<double> precisions;  // by order, 0 to 100, smoothed
  double brevity_penalty = 0;
  BleuCounts counts;
  std::string signature;  // "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:attune-1"
};

// hypotheses: one a sentence. references: for each sentence its references, at least one. Throws
// base::Error where the two differ in length or a sentence has no reference.
BleuScore corpus_bleu(const std::vector<std::string>& hypotheses,
                      const std::vector<std::vector<std::string>>& references,
                      const BleuOptions& options = {});

// One sentence with the effective order; SacreBLEU's sentence_bleu.
BleuScore sentence_bleu(const std::string& hypothesis, const std::vector<std::string>& references,
                        BleuOptions options = {});

// The score of counts; `signature` is empty.
BleuScore bleu_of_counts(const BleuCounts& counts, const BleuOptions& options = {});

// The tokens that BLEU sees.
std::vector<std::string> bleu_tokens(std::string_view text, const BleuOptions& options = {});

}  // namespace metrics
