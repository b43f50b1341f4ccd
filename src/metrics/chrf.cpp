#include "metrics/chrf.h"

#include <algorithm>

#include "base/error.h"
#include "metrics/parallel.h"
#include "metrics/white_space.h"

namespace metrics {
namespace {

constexpr std::size_t kBlock = 256;  // sentences that a thread takes at once

// The bytes of the character that starts at `at`; 1 where it is not UTF-8.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (first >= 0xF5 || at + length > text.size()) return 1;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 1;
  return length;
}

// The character's code point; a lone byte that is none gets a number above all of them.
std::uint32_t character_at(std::string_view text, std::size_t at, std::size_t length) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (length == 1) return first < 0x80 ? first : 0x110000u + first;
  std::uint32_t character = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i)
    character = character << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  return character;
}

// Characters without white space.
std::vector<std::uint32_t> characters(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t space = space_length(text, at);
    const std::size_t length = space > 0 ? space : character_length(text, at);
    if (space == 0) out.push_back(character_at(text, at, length));
    at += length;
  }
  return out;
}

using Ngram = unsigned __int128;  // 21 bits a character, at most six
using Ngrams = std::vector<Ngram>;

// All n-grams of one order, sorted.
Ngrams sorted_ngrams(const std::vector<std::uint32_t>& text, std::size_t order) {
  Ngrams out;
  for (std::size_t end = order; end <= text.size(); ++end) {
    Ngram ngram = 0;
    for (std::size_t i = end - order; i < end; ++i) ngram = ngram << 21 | text[i];
    out.push_back(ngram);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::int64_t count_common(const Ngrams& first, const Ngrams& second) {
  std::int64_t count = 0;
  for (std::size_t i = 0, j = 0; i < first.size() && j < second.size();) {
    if (first[i] == second[j]) {
      ++count;
      ++i;
      ++j;
    } else {
      first[i] < second[j] ? ++i : ++j;
    }
  }
  return count;
}

ChrfCounts count_sentence(std::string_view hypothesis, std::string_view reference) {
  const auto ours = characters(hypothesis), theirs = characters(reference);
  ChrfCounts counts;
  for (std::size_t order = 1; order <= kChrfOrder; ++order) {
    const Ngrams first = sorted_ngrams(ours, order), second = sorted_ngrams(theirs, order);
    counts.hypothesis[order - 1] = second.empty() ? 0 : static_cast<std::int64_t>(first.size());
    counts.reference[order - 1] = static_cast<std::int64_t>(second.size());
    counts.matches[order - 1] = count_common(first, second);
  }
  return counts;
}

void add(const ChrfCounts& counts, ChrfCounts& sum) {
  for (std::size_t i = 0; i < kChrfOrder; ++i) {
    sum.hypothesis[i] += counts.hypothesis[i];
    sum.reference[i] += counts.reference[i];
    sum.matches[i] += counts.matches[i];
  }
}

}  // namespace

ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses,
                      const std::vector<std::string>& references) {
  base::check(hypotheses.size() == references.size(), "chrF of ", hypotheses.size(),
              " hypotheses and ", references.size(), " references");
  std::vector<ChrfCounts> blocks((hypotheses.size() + kBlock - 1) / kBlock);
  run_parallel(blocks.size(), [&](std::size_t block) {
    const std::size_t end = std::min(hypotheses.size(), (block + 1) * kBlock);
    for (std::size_t i = block * kBlock; i < end; ++i)
      add(count_sentence(hypotheses[i], references[i]), blocks[block]);
  });
  ChrfScore out;
  for (const ChrfCounts& block : blocks) add(block, out.counts);
  out.score = chrf_of_counts(out.counts);
  out.signature = "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:attune-1";
  return out;
}

double sentence_chrf(std::string_view hypothesis, std::string_view reference) {
  return chrf_of_counts(count_sentence(hypothesis, reference));
}

double chrf_of_counts(const ChrfCounts& counts) {
  double precision = 0, recall = 0;
  int orders = 0;
  for (std::size_t i = 0; i < kChrfOrder; ++i) {
    if (counts.hypothesis[i] == 0 || counts.reference[i] == 0) continue;
    const auto matches = static_cast<double>(counts.matches[i]);
    precision += matches / static_cast<double>(counts.hypothesis[i]);
    recall += matches / static_cast<double>(counts.reference[i]);
    ++orders;
  }
  if (precision + recall == 0) return 0;
  precision /= orders;
  recall /= orders;
  constexpr double kSquare = kChrfBeta * kChrfBeta;
  return 100 * (1 + kSquare) * precision * recall / (kSquare * precision + recall);
}

}  // namespace metrics
