#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dialogue/recommender.h"
#include "recommend/baseline.h"

namespace recommend {

// All kinds of baselines there are, in the order of a report's rows.
const std::vector<BaselineKind>& all_baselines();

// Ranks by a baseline and recommends in one fixed sentence, "You might like TITLE.", the best item
// not named yet (the best of all where every one was). It always recommends, takes one step a
// reply, and does not draw: temperature and seed change nothing, the propensity is 1.
class BaselineRecommender : public dialogue::Recommender {
 public:
  // Keeps a reference to the catalogue, which has as many items as `weights` gives weights.
  BaselineRecommender(std::string name, ItemWeights weights, const dialogue::Catalogue& catalogue);

  std::string name() const override { return name_; }
  // The weights as a distribution over the catalogue, no item at 0.
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override;
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override;
  std::vector<dialogue::ReplyStep> step() override;
  dialogue::Reply close(std::int64_t id) override;

 private:
  dialogue::Reply reply_to(const dialogue::State& state, const dialogue::Sampling& sampling);

  std::string name_;
  ItemWeights weights_;
  const dialogue::Catalogue& catalogue_;
  std::map<std::int64_t, dialogue::Reply> open_;
  std::vector<std::int64_t> unstepped_;
  std::int64_t next_id_ = 1;
};

}  // namespace recommend
