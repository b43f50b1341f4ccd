#pragma once

#include <torch/types.h>

#include "rl/algorithm.h"

namespace rl {

// What people took up of what they were shown, as a lesson for the item slot. M shown items of B
// states; the slot's softmax is over N items. Unlike a reply of words, a slot has its exact
// probabilities under policy and reference, and their exact KL.
struct ShownRows {
  torch::Tensor states;    // [M] int64: which state, 0 … B-1; those of one slate share one
  torch::Tensor items;     // [M] int64
  torch::Tensor accepted;  // [M] bool
  torch::Tensor weights;   // [M] float: how much a click counts, place_weights
};

// [M]: by how much a click at each place counts for more because people look at place j, from 1,
// with probability j^-bias only: j^bias, at most `largest` (0: no bound). Over who looks where,
// what is weighted so has the mean of people who look at everything (Joachims et al. 2017, arXiv
// 1608.04468), as far as the bias is right and the bound does not bind. places: [M] int64.
torch::Tensor place_weights(const torch::Tensor& places, double bias, double largest);

struct ClickLoss {
  torch::Tensor loss;  // 0-dim, differentiable; 0 where the states have nothing to learn from
  // Of dpo and kto, each pair or shown item counted once, whatever it weighs:
  double margin = 0;    // implicit reward of what was taken up less that of what was not
  double accuracy = 0;  // pairs or items that the policy has on the right side
  double rows = 0;      // pairs or items that were learned from
};

// By method.algorithm, with h = log p - log q of an item, a = 1 where it was taken up, w its
// weight:
//   kto   kto_loss: a shown item is desirable with weight a w and undesirable with 1 - a w, so that
//         weights are without bias here, too (Saito et al. 2020, arXiv 1909.03601); z is the exact
//         KL(p || q), mean over the states;
//   dpo   dpo_loss over every pair of one taken up and one not taken up of one state, by w of the
//         first;
//   sft   the cross-entropy of what was taken up, by w;
//   reward_weighted   the cross-entropy of everything shown by reward_weights of a, groups being
//         the states, and by w where taken up.
// log_probs, reference: [B, N] natural log-probabilities over new items (masked ones below -1e8).
// Items that were not shown are moved by the softmax alone. The method is resolved() and checked.
// Throws base::UsageError for another algorithm.
ClickLoss click_loss(const torch::Tensor& log_probs, const torch::Tensor& reference,
                     const ShownRows& shown, const AlgorithmSettings& method);

}  // namespace rl
