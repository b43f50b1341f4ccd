#pragma once

#include <cstddef>
#include <vector>

namespace rl {

// Best-of-n: of n replies the one with the largest score is kept, either as the answer or as a
// demonstration for supervised fine-tuning. The control for every learned policy: what it reaches
// at the same KL needs no training.

// log n - (n - 1) / n: the KL between the best of n and the policy it was drawn from, in nats a
// reply, is at most this, and this where no two replies score the same (Beirami et al. 2024, arXiv
// 2401.01879). n >= 1, else base::UsageError.
double best_of_n_kl(int n);

// The mean of the largest of n scores drawn without replacement from the N given: an unbiased
// estimate, from one set of samples, for every n <= N (Nakano et al. 2021). Throws base::UsageError
// unless 1 <= n <= N.
double best_of_n_score(const std::vector<double>& scores, int n);

// The same exactly, for n independent draws of a score with a known distribution. values: distinct;
// probabilities: adding up to 1. Throws base::UsageError for n < 1, base::Error where sizes differ.
double best_of_n_score(const std::vector<double>& values, const std::vector<double>& probabilities,
                       int n);

// The index of each group's largest score, the first of equal ones; groups in order of appearance.
// scores are not NaN. Throws base::Error where sizes differ.
std::vector<std::size_t> select_best(const std::vector<double>& scores,
                                     const std::vector<int>& groups);

}  // namespace rl
