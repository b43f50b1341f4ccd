#include "metrics/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>

#include "base/error.h"
#include "metrics/parallel.h"
#include "metrics/white_space.h"

namespace metrics {
namespace {

constexpr std::size_t kBlock = 256;  // sentences that a thread takes at once

using Tokens = std::vector<std::string>;
using NgramCounts = std::unordered_map<std::string, std::int64_t>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == ','; }

// The signs that mteval-13a always sets apart: ASCII's, without ' , - and the stop.
bool is_sign(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// Sets space around one of each two neighbours that `matches` accepts; a pair that was taken is
// passed over as a whole, as a regular expression does.
template <class Matches>
std::string space_pairs(const std::string& text, Matches matches, const char* before,
                        const char* between, const char* after) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at + 1 < text.size() && matches(text[at], text[at + 1])) {
      out += before;
      out += text[at];
      out += between;
      out += text[++at];
      out += after;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string apply_13a(std::string text) {
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  std::string spaced = " ";
  for (const char c : text) {
    if (is_sign(c))
      (spaced += ' ').append({c, ' '});
    else
      spaced += c;
  }
  spaced += ' ';
  spaced = space_pairs(
      spaced, [](char a, char b) { return !is_digit(a) && is_stop(b); }, "", " ", " ");
  spaced = space_pairs(
      spaced, [](char a, char b) { return is_stop(a) && !is_digit(b); }, " ", " ", "");
  return space_pairs(
      spaced, [](char a, char b) { return is_digit(a) && b == '-'; }, "", " ", " ");
}

// Every n-gram of one order, its tokens joined by spaces (no token holds one).
NgramCounts count_ngrams(const Tokens& tokens, std::size_t order) {
  NgramCounts out;
  for (std::size_t begin = 0; begin + order <= tokens.size(); ++begin) {
    std::string ngram;
    for (std::size_t i = begin; i < begin + order; ++i) (ngram += tokens[i]) += ' ';
    ++out[ngram];
  }
  return out;
}

void add_sentence(const Tokens& hypothesis, const std::vector<Tokens>& references,
                  BleuCounts& counts) {
  const auto length = static_cast<std::int64_t>(hypothesis.size());
  std::int64_t nearest = -1;
  for (const Tokens& reference : references) {
    const auto other = static_cast<std::int64_t>(reference.size());
    const auto distance = std::abs(other - length), best = std::abs(nearest - length);
    if (nearest < 0 || distance < best || (distance == best && other < nearest)) nearest = other;
  }
  counts.hypothesis_length += length;
  counts.reference_length += nearest;
  for (std::size_t order = 1; order <= counts.matches.size(); ++order) {
    NgramCounts allowed;
    for (const Tokens& reference : references)
      for (const auto& [ngram, count] : count_ngrams(reference, order))
        allowed[ngram] = std::max(allowed[ngram], count);
    for (const auto& [ngram, count] : count_ngrams(hypothesis, order)) {
      const auto found = allowed.find(ngram);
      if (found != allowed.end())
        counts.matches[order - 1] += static_cast<double>(std::min(count, found->second));
      counts.totals[order - 1] += static_cast<double>(count);
    }
  }
}

void add(const BleuCounts& counts, BleuCounts& sum) {
  for (std::size_t i = 0; i < sum.matches.size(); ++i) {
    sum.matches[i] += counts.matches[i];
    sum.totals[i] += counts.totals[i];
  }
  sum.hypothesis_length += counts.hypothesis_length;
  sum.reference_length += counts.reference_length;
}

double default_value(BleuSmoothing smoothing) {
  return smoothing == BleuSmoothing::floor ? 0.1 : 1.0;
}

std::string describe_smoothing(const BleuOptions& options) {
  if (options.smoothing == BleuSmoothing::none) return "none";
  if (options.smoothing == BleuSmoothing::exp) return "exp";
  char value[32];
  std::snprintf(value, sizeof value, "[%.2f]",
                options.smoothing_value.value_or(default_value(options.smoothing)));
  return (options.smoothing == BleuSmoothing::floor ? "floor" : "add-k") + std::string(value);
}

std::string make_signature(const std::vector<std::vector<std::string>>& references,
                           const BleuOptions& options) {
  std::size_t fewest = references.empty() ? 0 : references[0].size(), most = fewest;
  for (const auto& sentence : references) {
    fewest = std::min(fewest, sentence.size());
    most = std::max(most, sentence.size());
  }
  return base::concatenate(
      "nrefs:", fewest == most ? std::to_string(most) : "var",
      "|case:", options.letter_case == BleuCase::mixed ? "mixed" : "lc-ascii",
      "|eff:", options.averaging == BleuOrder::effective ? "yes" : "no",
      "|tok:", options.tokenizer == BleuTokenizer::mteval_13a ? "13a" : "none",
      "|smooth:", describe_smoothing(options),
      options.order == 4 ? "" : "|order:", options.order == 4 ? "" : std::to_string(options.order),
      options.items == BleuItems::masked ? "|items:masked" : "", "|version:attune-1");
}

}  // namespace

std::vector<std::string> bleu_tokens(std::string_view text, const BleuOptions& options) {
  std::string copy(text);
  if (options.letter_case == BleuCase::lower_ascii)
    for (char& c : copy)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (options.tokenizer == BleuTokenizer::whitespace) return split_words(copy);
  // SacreBLEU cuts white space off the end first: a last "-\n" then keeps its dash.
  while (const std::size_t space = last_space_length(copy)) copy.resize(copy.size() - space);
  return split_words(apply_13a(std::move(copy)));
}

BleuScore bleu_of_counts(const BleuCounts& counts, const BleuOptions& options) {
  BleuScore out{.score = 0,
                .precisions = std::vector<double>(counts.matches.size(), 0.0),
                .brevity_penalty = 1,
                .counts = counts,
                .signature = ""};
  if (counts.hypothesis_length < counts.reference_length)
    out.brevity_penalty = counts.hypothesis_length == 0
                              ? 0.0
                              : std::exp(1.0 - static_cast<double>(counts.reference_length) /
                                                   static_cast<double>(counts.hypothesis_length));
  if (std::ranges::all_of(counts.matches, [](double matches) { return matches == 0; })) return out;

  const double value = options.smoothing_value.value_or(default_value(options.smoothing));
  const bool effective = options.averaging == BleuOrder::effective;
  std::size_t orders = effective ? 0 : counts.matches.size();
  double halving = 1;
  for (std::size_t i = 0; i < counts.matches.size(); ++i) {
    const double more = options.smoothing == BleuSmoothing::add_k && i > 0 ? value : 0.0;
    double matches = counts.matches[i] + more;
    const double total = counts.totals[i] + more;
    if (total == 0) break;
    if (effective) orders = i + 1;
    if (matches == 0 && options.smoothing == BleuSmoothing::exp) matches = 1.0 / (halving *= 2);
    if (matches == 0 && options.smoothing == BleuSmoothing::floor) matches = value;
    out.precisions[i] = 100.0 * matches / total;
  }
  double log_sum = 0;
  for (std::size_t i = 0; i < orders; ++i) log_sum += std::log(out.precisions[i]);  // -inf at 0
  out.score = out.brevity_penalty * std::exp(log_sum / static_cast<double>(orders));
  return out;
}

BleuScore corpus_bleu(const std::vector<std::string>& hypotheses,
                      const std::vector<std::vector<std::string>>& references,
                      const BleuOptions& options) {
  base::check(hypotheses.size() == references.size(), "BLEU of ", hypotheses.size(),
              " hypotheses and references of ", references.size(), " sentences");
  base::check(options.order > 0, "BLEU of order ", options.order);
  const BleuCounts nothing{.matches = std::vector<double>(options.order, 0.0),
                           .totals = std::vector<double>(options.order, 0.0)};
  std::vector<BleuCounts> blocks((hypotheses.size() + kBlock - 1) / kBlock, nothing);
  run_parallel(blocks.size(), [&](std::size_t block) {
    const std::size_t end = std::min(hypotheses.size(), (block + 1) * kBlock);
    for (std::size_t i = block * kBlock; i < end; ++i) {
      base::check(!references[i].empty(), "BLEU: sentence ", i, " has no reference");
      std::vector<Tokens> tokens;
      for (const std::string& reference : references[i])
        tokens.push_back(bleu_tokens(reference, options));
      add_sentence(bleu_tokens(hypotheses[i], options), tokens, blocks[block]);
    }
  });
  BleuCounts counts = nothing;
  for (const BleuCounts& block : blocks) add(block, counts);
  BleuScore out = bleu_of_counts(counts, options);
  out.signature = make_signature(references, options);
  return out;
}

BleuScore sentence_bleu(const std::string& hypothesis, const std::vector<std::string>& references,
                        BleuOptions options) {
  options.averaging = BleuOrder::effective;
  return corpus_bleu({hypothesis}, {references}, options);
}

}  // namespace metrics
