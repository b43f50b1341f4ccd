#pragma once

#include <memory>
#include <vector>

#include "recommend/trained_recommender.h"
#include "reward/reward_model.h"
#include "rl/places.h"
#include "rl/replies.h"
#include "rl/settings.h"

namespace rl {

// Whether several replies to one state are drawn, to be compared with each other. settings:
// resolved.
bool compares_replies(const AlgorithmSettings& settings);

// Where the replies of a run come from: the policy, its start model, what the logs' recommenders
// said, or judged replies, as settings.algorithm needs them, scored by the reward model or its
// controls (settings.reward).
class ReplySource {
 public:
  // Keeps references: all must outlive it. policy: as it is trained; start: the reference, which
  // stands still. judged: unless empty, the only replies there are, with the scores they bring.
  ReplySource(const recommend::TrainedModel& policy, const recommend::TrainedModel& start,
              const reward::RewardModel& reward, const Places& places,
              std::vector<JudgedUnit> judged, const RlSettings& settings, torch::Dtype type);

  bool has_judged() const { return !judged_.empty(); }

  // An iteration's replies, settings.batch of them. With settings.dynamic_sampling states whose
  // replies all score the same are drawn anew, a few times at most. `at`: seed and iteration.
  Replies draw(const base::RandomPlace& at);

  // settings.batch replies of the policy as it is, to measure it by.
  std::vector<Episode> own_replies(const base::RandomPlace& at) const;

 private:
  Replies draw_scored(const base::RandomPlace& at, int round);
  std::vector<Episode> draw_replies(const base::RandomPlace& at, int round);
  std::vector<double> scores_of(const std::vector<Episode>& episodes,
                                const base::RandomPlace& at) const;
  dialogue::Recommender& sampler();
  int positions() const { return static_cast<int>(policy_.language.config.context); }
  int replies_to_a_state() const { return compares_ ? settings_.group_size : 1; }

  const recommend::TrainedModel& policy_;
  const recommend::TrainedModel& start_;
  const reward::RewardModel& reward_;
  const Places& places_;
  const std::vector<JudgedUnit> judged_;
  const RlSettings settings_;  // resolved
  const Algorithm algorithm_;
  const bool compares_;  // replies to one state with each other
  const torch::Dtype type_;
  std::unique_ptr<recommend::TrainedRecommender> sampler_;
};

}  // namespace rl
