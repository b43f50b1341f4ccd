#include "rl/score_scaling.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/error.h"

namespace rl {
namespace {

// Less `mean`, divided by the deviation, within +-clip.
std::vector<double> scaled(const std::vector<double>& scores, double mean, double clip,
                           const RunningMoments& moments) {
  const double deviation = std::max(moments.deviation(), 1e-8);
  std::vector<double> out;
  for (double score : scores) out.push_back(std::clamp((score - mean) / deviation, -clip, clip));
  return out;
}

}  // namespace

void RunningMoments::add(const std::vector<double>& batch) {
  if (batch.empty()) return;
  double mean = 0, squares = 0;
  for (double value : batch) mean += value;
  mean /= static_cast<double>(batch.size());
  for (double value : batch) squares += (value - mean) * (value - mean);
  const auto added = static_cast<double>(batch.size()), before = static_cast<double>(count_),
             total = before + added;
  const double difference = mean - mean_;
  mean_ += difference * added / total;
  sum_of_squares_ += squares + difference * difference * before * added / total;
  count_ += static_cast<std::int64_t>(batch.size());
}

double RunningMoments::deviation() const {
  return count_ > 1 ? std::sqrt(sum_of_squares_ / static_cast<double>(count_ - 1)) : 1;
}

void RunningMoments::from_json(const base::Json& json) {
  count_ = json.at(0);
  mean_ = json.at(1);
  sum_of_squares_ = json.at(2);
}

std::vector<double> scale_scores(const std::vector<double>& scores, double clip,
                                 RunningMoments& moments) {
  moments.add(scores);
  return scaled(scores, 0, clip, moments);
}

std::vector<double> standard_scores(const std::vector<double>& scores, double clip,
                                    RunningMoments& moments) {
  moments.add(scores);
  return scaled(scores, moments.mean(), clip, moments);
}

std::vector<double> centered_by_group(const std::vector<double>& scores,
                                      const std::vector<int>& groups) {
  base::check(scores.size() == groups.size(), "centered_by_group: ", scores.size(), " scores, ",
              groups.size(), " groups");
  std::map<int, std::pair<double, double>> sums;  // sum, count
  for (std::size_t i = 0; i < scores.size(); ++i) {
    sums[groups[i]].first += scores[i];
    sums[groups[i]].second += 1;
  }
  std::vector<double> centered;
  for (std::size_t i = 0; i < scores.size(); ++i)
    centered.push_back(scores[i] - sums[groups[i]].first / sums[groups[i]].second);
  return centered;
}

}  // namespace rl
