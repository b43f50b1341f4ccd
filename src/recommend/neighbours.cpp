#include "recommend/neighbours.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace recommend {
namespace {

constexpr double kSaturation = 1.2;  // k1
constexpr double kLength = .75;      // b

std::size_t at(int i) { return static_cast<std::size_t>(i); }

torch::Tensor flat(const std::vector<std::vector<int>>& lists) {
  std::vector<int> all;
  for (const std::vector<int>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return torch::tensor(all, torch::kInt32);
}

torch::Tensor sizes(const std::vector<std::vector<int>>& lists) {
  std::vector<int> all;
  for (const std::vector<int>& list : lists) all.push_back(static_cast<int>(list.size()));
  return torch::tensor(all, torch::kInt32);
}

std::vector<std::vector<int>> lists_from(const torch::Tensor& numbers, const torch::Tensor& lengths,
                                         int below, const std::string& where) {
  std::vector<std::vector<int>> lists(static_cast<std::size_t>(lengths.numel()));
  std::int64_t next = 0;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const int length = lengths.data_ptr<int>()[i];
    if (length < 0 || next + length > numbers.numel())
      throw base::DataError(where, ": the neighbours are damaged at ", i);
    lists[i].assign(numbers.data_ptr<int>() + next, numbers.data_ptr<int>() + next + length);
    next += length;
    for (int number : lists[i])
      if (number < 0 || number >= below)
        throw base::DataError(where, ": the neighbours name number ", number, " of ", below);
  }
  return lists;
}

}  // namespace

Neighbours::Neighbours(const std::vector<RankExample>& examples, int words) : words_(words) {
  for (const RankExample& example : examples) {
    if (example.role != dialogue::Role::recommender || example.context.late_words.empty()) continue;
    dialogue_.push_back(example.dialogue);
    terms_.push_back(example.context.late_words);
    targets_.push_back(example.targets);
  }
  index();
}

void Neighbours::index() {
  std::vector<float> documents(at(words_));
  double total = 0;
  for (const std::vector<int>& terms : terms_) {
    total += static_cast<double>(terms.size());
    for (int word : terms) documents[at(word)] += 1;
  }
  const double n = static_cast<double>(terms_.size()), mean = terms_.empty() ? 1 : total / n;
  postings_.assign(at(words_), {});
  for (std::size_t d = 0; d < terms_.size(); ++d) {
    const double length = 1 - kLength + kLength * static_cast<double>(terms_[d].size()) / mean;
    for (int word : terms_[d]) {
      const double df = documents[at(word)], idf = std::log(1 + (n - df + .5) / (df + .5));
      postings_[at(word)].emplace_back(
          static_cast<int>(d),
          static_cast<float>(idf * (kSaturation + 1) / (1 + kSaturation * length)));
    }
  }
}

std::vector<std::pair<int, float>> Neighbours::votes(const RankContext& context, int without,
                                                     std::size_t voters) const {
  std::vector<float> scores(terms_.size());
  for (int word : context.late_words)
    for (const auto& [document, weight] : postings_[at(word)]) scores[at(document)] += weight;
  std::vector<int> best;
  for (std::size_t d = 0; d < scores.size(); ++d)
    if (scores[d] > 0 && (without < 0 || dialogue_[d] != without))
      best.push_back(static_cast<int>(d));
  voters = std::min(voters, best.size());
  const auto better = [&](int a, int b) {
    return scores[at(a)] != scores[at(b)] ? scores[at(a)] > scores[at(b)] : a < b;
  };
  if (voters < best.size())
    std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(voters), best.end(),
                     better);
  best.resize(voters);
  std::vector<std::pair<int, float>> votes;
  double sum = 0;
  for (int d : best)
    for (int item : targets_[at(d)]) {
      const float vote = scores[at(d)] * scores[at(d)];
      votes.emplace_back(item, vote);
      sum += vote;
    }
  std::sort(votes.begin(), votes.end());
  std::vector<std::pair<int, float>> merged;
  for (const auto& [item, vote] : votes) {
    if (merged.empty() || merged.back().first != item) merged.emplace_back(item, 0.f);
    merged.back().second += static_cast<float>(vote / sum);
  }
  return merged;
}

model::TensorMap Neighbours::tensors() const {
  return {{"neighbours.dialogues", torch::tensor(dialogue_, torch::kInt32)},
          {"neighbours.words", flat(terms_)},
          {"neighbours.word_counts", sizes(terms_)},
          {"neighbours.items", flat(targets_)},
          {"neighbours.item_counts", sizes(targets_)}};
}

Neighbours Neighbours::from(const model::TensorMap& tensors, int words, int items,
                            const std::string& where) {
  for (const auto& [name, tensor] : Neighbours().tensors())
    if (!tensors.count(name) || tensors.at(name).dtype() != torch::kInt32)
      throw base::DataError(where, ": the tensor ", name, " is missing or not of 32-bit integers");
  Neighbours neighbours;
  neighbours.words_ = words;
  const torch::Tensor dialogues = tensors.at("neighbours.dialogues").contiguous();
  neighbours.dialogue_.assign(dialogues.data_ptr<int>(),
                              dialogues.data_ptr<int>() + dialogues.numel());
  neighbours.terms_ = lists_from(tensors.at("neighbours.words").contiguous(),
                                 tensors.at("neighbours.word_counts").contiguous(), words, where);
  neighbours.targets_ = lists_from(tensors.at("neighbours.items").contiguous(),
                                   tensors.at("neighbours.item_counts").contiguous(), items, where);
  if (neighbours.terms_.size() != neighbours.dialogue_.size() ||
      neighbours.targets_.size() != neighbours.dialogue_.size())
    throw base::DataError(where, ": the neighbours' tables are of different lengths");
  neighbours.index();
  return neighbours;
}

}  // namespace recommend
