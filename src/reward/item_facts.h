#pragma once

#include <optional>
#include <vector>

#include "recommend/counts.h"
#include "reward/targets.h"

namespace reward {

// What is known of items from training dialogues without looking at the state.
struct ItemFacts {
  std::vector<double> liked, liked_known, useful,
      useful_known;  // sums over outcomes, from forms and reader
};
ItemFacts count_items(const std::vector<Outcome>& outcomes, int items);

// The liked rate of an item, shrunk to the mean of all: what a predictor must beat. `without`: an
// outcome taken out.
double liked_rate(const ItemFacts& facts, int item, const Outcome* without = nullptr);

// The facts as a predictor reads them: how often the item was recommended and named, of late too,
// its shrunk liked and useful rates as logits, whether it was named at all.
inline constexpr int kItemFeatures = 6;
class ItemFeatures {
 public:
  // Keeps references.
  ItemFeatures(const ItemFacts& facts, const recommend::Counts& counts);

  // Fills row[kItemFeatures]; while training on an outcome without it. `recent`: that outcome's
  // dialogue is among those that count as recent.
  struct Without {
    const Outcome& outcome;
    bool recent;
  };
  void fill(float* row, int item, const std::optional<Without>& without = {}) const;

 private:
  const ItemFacts& facts_;
  const recommend::Counts& counts_;
  double liked_mean_, useful_mean_;
};

}  // namespace reward
