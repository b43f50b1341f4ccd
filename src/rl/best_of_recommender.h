#pragma once

#include <map>
#include <string>
#include <vector>

#include "recommend/trained_recommender.h"
#include "reward/reward_model.h"

namespace rl {

// The start model whose every reply is the best of n by the reward model: of n independent replies
// those in the mode of the first (recommend or chat) are compared by the calibrated score of item
// and words together. What a learned policy is held against: it needs no training, costs n replies,
// and its KL is at most best_of_n_kl(n). rank() is the start model's.
class BestOfRecommender : public dialogue::Recommender {
 public:
  // Keeps references, which must outlive it. n >= 1, else base::UsageError.
  BestOfRecommender(std::string name, const recommend::TrainedModel& model,
                    const reward::RewardModel& reward, int n,
                    const recommend::ReplyOptions& options = {});

  std::string name() const override { return name_; }
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override {
    return replies_.rank(states);
  }
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override;
  // A reply's words come all at once, when it is chosen.
  std::vector<dialogue::ReplyStep> step() override;
  dialogue::Reply close(std::int64_t id) override;

  // Of the replies chosen so far, the mean score; 0 before the first.
  double mean_score() const { return chosen_ == 0 ? 0 : score_sum_ / chosen_; }

 private:
  struct Open {
    dialogue::State state;
    std::vector<std::int64_t> drawn;  // ids of replies_
    std::size_t finished = 0;
    bool chosen = false;
    dialogue::Reply reply;
  };
  void choose(std::int64_t id, Open& open);
  std::vector<double> scores_of(const dialogue::State& state,
                                const std::vector<dialogue::Reply>& replies) const;

  std::string name_;
  const recommend::TrainedModel& model_;
  const reward::RewardModel& reward_;
  int n_;
  recommend::TrainedRecommender replies_;
  std::map<std::int64_t, Open> open_;
  std::map<std::int64_t, std::int64_t> owner_;  // of replies_' ids
  std::int64_t next_id_ = 1;
  double score_sum_ = 0, chosen_ = 0;
};

}  // namespace rl
