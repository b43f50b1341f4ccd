#pragma once

#include <cstdint>
#include <vector>

#include "base/json.h"

namespace rl {

// Count, mean and deviation of a stream of batches, merged exactly (Chan et al. 1983).
class RunningMoments {
 public:
  void add(const std::vector<double>& batch);
  std::int64_t count() const { return count_; }
  double mean() const { return mean_; }
  double deviation() const;  // unbiased; 1 where fewer than two values came

  base::Json to_json() const { return {count_, mean_, sum_of_squares_}; }
  void from_json(const base::Json& json);

 private:
  std::int64_t count_ = 0;
  double mean_ = 0, sum_of_squares_ = 0;  // of differences from the mean
};

// Scores divided by the running deviation (the mean stays), then held within +-clip. The batch
// counts towards the moments before it is scaled.
std::vector<double> scale_scores(const std::vector<double>& scores, double clip,
                                 RunningMoments& moments);

// The same of scores less their running mean.
std::vector<double> standard_scores(const std::vector<double>& scores, double clip,
                                    RunningMoments& moments);

// The scores less their group's mean: what is the same for a whole group teaches nothing.
std::vector<double> centered_by_group(const std::vector<double>& scores,
                                      const std::vector<int>& groups);

}  // namespace rl
