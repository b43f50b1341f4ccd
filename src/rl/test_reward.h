#pragma once

#include "reward/reward_model.h"

namespace rl {

// Item 0 is worth 2, item 1 nothing and item 2 -2, in every state.
inline reward::RewardModel fixed_reward() {
  model::ParameterSet member = reward::start_member(torch::zeros({3, 2}), 3, 1);
  torch::NoGradGuard no_grad;
  member.at("facts.weight")[static_cast<std::int64_t>(reward::Head::blend)][0].fill_(1);
  torch::Tensor facts = torch::zeros({3, reward::kItemFeatures});
  facts.select(1, 0).copy_(torch::tensor({2.f, 0.f, -2.f}));
  std::vector<model::ParameterSet> members;
  members.push_back(std::move(member));
  return {reward::RewardSettings{}, recommend::WordTable{},
          reward::Predictor(std::move(members), facts, reward::side_by_side({{}, {}, {}})),
          reward::ResponseScorer()};
}

}  // namespace rl
