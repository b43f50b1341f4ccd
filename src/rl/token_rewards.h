#pragma once

#include <torch/types.h>

namespace rl {

// From a reply's score to the rewards of its tokens. B = replies, R = reply tokens. No gradient
// flows into a result.

// -beta * kl at every token, and the score on the reply's last (Ziegler et al. 2019), so that the
// sum over a reply is score - beta * its KL. scores: [B]. kl: [B, R], kl_k1 of the sampled tokens:
// no other estimator has the right gradient in a reward (kl.h). mask: [B, R] bool; the last place
// where it is true is the reply's end. A reply without a token gets nothing. [B, R], 0 outside the
// mask. Throws base::Error where shapes differ.
torch::Tensor token_rewards(const torch::Tensor& scores, const torch::Tensor& kl,
                            const torch::Tensor& mask, double beta);

// The same of whole replies: score - beta * the reply's KL, what RLOO compares. [B].
torch::Tensor reply_rewards(const torch::Tensor& scores, const torch::Tensor& kl,
                            const torch::Tensor& mask, double beta);

// What DAPO (Yu et al. 2025, arXiv 2503.14476, eq. 13) adds to the score of a long reply: 0 up to
// largest - cache tokens, from there falling in a line to -1 at `largest`, -1 beyond. lengths: [B].
// [B] float. Throws base::UsageError unless 0 < cache <= largest.
torch::Tensor soft_length_penalty(const torch::Tensor& lengths, double largest, double cache);

// The mask without the replies that were cut off before they ended (DAPO's overlong filter): what
// they would have been worth is not known. mask: [B, R] bool; ended: [B] bool.
torch::Tensor without_truncated(const torch::Tensor& mask, const torch::Tensor& ended);

}  // namespace rl
