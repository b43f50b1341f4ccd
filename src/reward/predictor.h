#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "model/parameters.h"
#include "recommend/context.h"
#include "recommend/counts.h"
#include "reward/targets.h"

namespace reward {

struct PredictorSettings {
  int members = 3;  // independent seeds
  int width = 32;
  int epochs = 12;  // at most; stops when held-out loss rises
  double learning_rate = 3e-3;
  double weight_decay = .05;
  double dropout = .3;

  template <class F>
  void fields(F&& field) {
    field("members", members, "predictors trained from independent seeds");
    field("width", width, "numbers that states and items are embedded in");
    field("epochs", epochs, "passes over the outcomes, at most");
    field("learning_rate", learning_rate, "AdamW's peak step size");
    field("weight_decay", weight_decay, "AdamW's decay of matrices");
    field("dropout", dropout, "of a state's embedding");
  }
};

// What is known of items from training dialogues without looking at the state: [N, kItemFeatures].
inline constexpr int kItemFeatures = 6;
struct ItemFacts {
  std::vector<double> liked, liked_known, useful,
      useful_known;  // sums over outcomes, from forms and reader
};
ItemFacts count_items(const std::vector<Outcome>& outcomes, int items);

// The liked rate of an item, shrunk to the mean of all: what a predictor must beat. `without`: an
// outcome taken out.
double liked_rate(const ItemFacts& facts, int item, const Outcome* without = nullptr);

// The known words of each item's title and attributes: what a taste told in words can be matched
// with.
std::vector<std::vector<int>> words_of_items(const dialogue::Catalogue& catalogue,
                                             const recommend::WordTable& words);

// Predicts what will come of recommending an item in a state, before the reply: for each head one
// number for every item of the catalogue, in one matrix product a member,
//   score_k(s, i) = u_k(s).v_i / sqrt(d) + w_k.facts_i + c_k(s),
//
// where v_i is the item's own embedding plus those of its words, which states share.
class Predictor {
 public:
  Predictor() = default;

  // Trained on outcomes; `item_words` as words_of_items gives them; `states` holds the context of
  // each. Held-out dialogues (held_out[dialogue]) stop it and are never trained on. A function of
  // its arguments.
  Predictor(const PredictorSettings& settings, const std::vector<Outcome>& outcomes,
            const std::vector<recommend::RankContext>& states, const recommend::Counts& counts,
            const std::vector<std::vector<int>>& item_words, const std::vector<bool>& held_out,
            std::uint64_t seed, base::Console& console);

  int members() const { return static_cast<int>(members_.size()); }
  int items() const { return static_cast<int>(facts_.size(0)); }

  // [members, B, N] of one head: standard scores, or probabilities as logits (liked, useful). No
  // gradient.
  torch::Tensor item_scores(const std::vector<recommend::RankContext>& states, Head head) const;

  // All tensors under PREFIX, and back. load throws base::Error(data) where one is missing.
  void save(model::TensorMap& tensors) const;
  static Predictor load(const model::TensorMap& tensors, const std::string& where);

 private:
  std::vector<model::ParameterSet> members_;
  torch::Tensor facts_;  // [N, kItemFeatures]
  torch::Tensor word_numbers_,
      word_offsets_;  // the items' words side by side, and where each item's begin
};

}  // namespace reward
