#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiment/curves.h"
#include "experiment/experiment.h"

namespace experiment {

// What one run came to: its numbers by metric title, of the aligned model and of the model that it
// started from. What a run does not have is left out.
struct Outcome {
  std::string variant;
  int seed = 0;
  std::map<std::string, double> aligned, start;
  std::vector<CurvePoint> learning = {}, best_of = {};  // where the plan draws the variant's curve
  std::string settings = {};                            // the run's settings_sum
};

// Means over the seeds of a variant that is drawn.
struct Curves {
  std::vector<CurvePoint> learning, best_of;
};

// A metric's mean over the seeds of a variant, or of "start".
struct Cell {
  double mean = 0;
  // The mean's 95 % interval by Student's t over seeds; nothing with fewer than two.
  std::optional<double> low = {}, high = {};
  std::vector<double> values = {};  // one a seed
};

// A difference of two variants, paired by seed: runs of one seed share their start model and meet
// the same people.
struct Difference {
  Contrast contrast;
  Cell cell;
  // Two-sided paired t-test; with Holm's correction. Nothing with fewer than two seeds, or where
  // all differences are the same.
  std::optional<double> p = {}, p_holm = {};
};

struct Results {
  // By variant, "start" first, and metric title; no entry where no run has the metric.
  std::map<std::string, std::map<std::string, Cell>> cells;
  std::vector<Difference> differences;   // as declared; no values where no seed has both sides
  std::map<std::string, Curves> curves;  // by variant
  std::vector<std::string> missing;      // "dpo, seed 3": runs that are not done
};

Cell summarise(const std::vector<double>& values);

// Of the runs that are done.
Results summarise(const Plan& plan, const std::vector<Outcome>& outcomes);

}  // namespace experiment
