#pragma once

#include <string>
#include <vector>

#include "reward/predictor_network.h"

namespace reward {

// Predicts what will come of recommending an item in a state, before the reply: for each head one
// number for every item of the catalogue, in one matrix product a member,
//   score_k(s, i) = u_k(s).v_i / sqrt(d) + w_k.facts_i + c_k(s) + match_k(s, i),
//
// where v_i is the item's own embedding plus those of its words, which states share, and match_k
// counts the words of the item that the seeker has said to like or dislike.
class Predictor {
 public:
  Predictor() = default;

  // facts: [N, kItemFeatures]; members: at least one, as start_member makes them.
  Predictor(std::vector<model::ParameterSet> members, torch::Tensor facts, ItemWords words)
      : members_(std::move(members)), facts_(std::move(facts)), words_(std::move(words)) {}

  int members() const { return static_cast<int>(members_.size()); }
  int items() const { return static_cast<int>(facts_.size(0)); }

  // [members, B, N] of one head: standard scores, or probabilities as logits (liked, useful). No
  // gradient.
  torch::Tensor item_scores(const std::vector<recommend::RankContext>& states, Head head) const;

  // All tensors under names of its own, and back. load throws base::Error(data) where one is
  // missing.
  void save(model::TensorMap& tensors) const;
  static Predictor load(const model::TensorMap& tensors, const std::string& where);

 private:
  std::vector<model::ParameterSet> members_;
  torch::Tensor facts_;  // [N, kItemFeatures]
  ItemWords words_;
};

}  // namespace reward
