#include "metrics/rouge.h"

#include <algorithm>

#include "base/error.h"

namespace metrics {
namespace {

std::size_t longest_common(const std::vector<std::string>& first,
                           const std::vector<std::string>& second) {
  // before[j], now[j]: of the words of `first` so far and the first j of `second`.
  std::vector<std::size_t> before(second.size() + 1, 0), now(second.size() + 1, 0);
  for (const std::string& word : first) {
    for (std::size_t j = 1; j <= second.size(); ++j)
      now[j] = word == second[j - 1] ? before[j - 1] + 1 : std::max(before[j], now[j - 1]);
    std::swap(before, now);
  }
  return before.back();
}

}  // namespace

std::vector<std::string> rouge_words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    const bool counts = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (counts && !inside) words.emplace_back();
    if (counts) words.back() += c;
    inside = counts;
  }
  return words;
}

RougeL rouge_l(std::string_view hypothesis, std::string_view reference) {
  const auto ours = rouge_words(hypothesis), theirs = rouge_words(reference);
  if (ours.empty() || theirs.empty()) return {};
  const auto common = static_cast<double>(longest_common(ours, theirs));
  if (common == 0) return {};
  RougeL out{common / static_cast<double>(ours.size()), common / static_cast<double>(theirs.size()),
             0};
  out.f1 = 2 * out.precision * out.recall / (out.precision + out.recall);
  return out;
}

double mean_rouge_l(const std::vector<std::string>& hypotheses,
                    const std::vector<std::string>& references) {
  base::check(hypotheses.size() == references.size(), "ROUGE-L of ", hypotheses.size(),
              " hypotheses and ", references.size(), " references");
  double sum = 0;
  for (std::size_t i = 0; i < hypotheses.size(); ++i)
    sum += rouge_l(hypotheses[i], references[i]).f1;
  return hypotheses.empty() ? 0 : sum / static_cast<double>(hypotheses.size());
}

}  // namespace metrics
