#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "experiment/toy_theory.h"
#include "rl/settings.h"

namespace experiment {

// One way of learning the toy, and where theory says that it ends.
struct ToyTask {
  std::string name;  // "ppo, beta 0.3"
  rl::RlSettings settings;
  // Scores get Gumbel noise, so that the better of two is judged so with probability sigmoid of
  // their difference, as Bradley and Terry's model has it: what dpo learns from.
  bool noisy = false;
  ToyPoint expected;
  double expected_beta = 0;  // of an adaptive price; 0: it stands still
};

struct ToyResult {
  double score = 0, kl = 0;  // means over the last quarter of the updates
  double beta = 0;           // the price at the end
  double seconds = 0;
};

// PPO with that price of KL.
ToyTask ppo_task(const Toy& toy, double beta);

// The tasks of `attune experiment toy`: ppo, rloo and dpo at beta 1, .5, .3 and .2; grpo, whose
// advantages are divided by their deviation, at 1, .5 and .3, where it has a fixed point; ppo with
// an adaptive price.
std::vector<ToyTask> toy_tasks(const Toy& toy);

// Learns it with the program's own decoder, trainer and optimiser on a GPT-2 of two layers whose
// output layer starts at 0. A function of its arguments; deterministic.
ToyResult learn_toy(const Toy& toy, const ToyTask& task, std::uint64_t seed);

// Of `replies` draws from the reference in groups of n, the mean of each group's best score, with
// its standard error.
struct ToyBest {
  int n = 0;
  double score = 0, error = 0;
  double expected = 0, kl_bound = 0;  // exact; log n - (n - 1) / n
};
ToyBest best_of_toy(const Toy& toy, int n, int replies, std::uint64_t seed);

// A result as a file, with a sum of the task that it is of (attune.toy_result/1).
void write_toy_result(const std::filesystem::path& file, const Toy& toy, const ToyTask& task,
                      const ToyResult& result);

// Nothing where there is no such file or it is of a task with other settings. Throws
// base::DataError for what is no such file.
std::optional<ToyResult> read_toy_result(const std::filesystem::path& file, const Toy& toy,
                                         const ToyTask& task);

// Does every task that `folder` has no result of yet, two at a time, and writes the table beside
// the theory into folder/results.md. Returns the table.
std::string run_toy(const std::filesystem::path& folder, std::uint64_t seed,
                    base::Console& console);

}  // namespace experiment
