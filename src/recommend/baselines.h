#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dialogue/recommender.h"
#include "recommend/counts.h"

namespace recommend {

// What every model must beat. Popularity of an item: recommender messages of the training dialogues
// that name it.
enum class Baseline {
  popularity,    // the most popular first
  copy,          // items named so far, the last one first; then popularity
  cooccurrence,  // s(r) = sum over items m named so far of n(m, r) / sqrt((n_m + 5)(pop_r + 5));
                 // where that is equal, popularity
};

const char* baseline_name(Baseline baseline);  // "popularity", "copy", "cooccurrence"

// Ranks by a baseline and recommends in one fixed sentence, "You might like TITLE.", the best item
// not named yet (the best of all where every one was). It always recommends, takes one step a
// reply, and does not draw: temperature and seed change nothing, the propensity is 1.
class BaselineRecommender : public dialogue::Recommender {
 public:
  // Keeps references to both. Throws base::Error (internal) where they differ in size.
  BaselineRecommender(Baseline baseline, const Counts& counts,
                      const dialogue::Catalogue& catalogue);

  std::string name() const override { return baseline_name(baseline_); }
  // The scores as a distribution over the catalogue, no item at 0.
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override;
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override;
  std::vector<dialogue::ReplyStep> step() override;
  dialogue::Reply close(std::int64_t id) override;

 private:
  dialogue::Reply reply_to(const dialogue::State& state, const dialogue::Sampling& sampling);

  Baseline baseline_;
  const Counts& counts_;
  const dialogue::Catalogue& catalogue_;
  std::map<std::int64_t, dialogue::Reply> open_;
  std::vector<std::int64_t> unstepped_;
  std::int64_t next_id_ = 1;
};

// All three, in the order of Baseline.
std::vector<std::unique_ptr<dialogue::Recommender>> all_baselines(
    const Counts& counts, const dialogue::Catalogue& catalogue);

}  // namespace recommend
