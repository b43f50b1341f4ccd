#pragma once

#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

namespace rl {

// Learning from judged replies without sampling. Log-probabilities here are of whole replies, [B]:
// reply_sums of those of the tokens, end included (masked.h). The policy's implicit reward of a
// reply is beta * (log p - log q), q the reference. Gradients reach the policy only. base::Error is
// thrown where shapes differ, base::UsageError for options out of range.

// -log sigmoid(chosen - rejected - margin) + centring * (chosen + rejected)^2, mean over the pairs
// (Bradley & Terry 1952; the centring term, Eisenstein et al. 2023, holds the scores' free constant
// near 0). chosen, rejected: [B] scores. 0-dim, differentiable in both.
struct BradleyTerryOptions {
  double margin = 0;
  double centring = 0;  // .01 is usual
};
torch::Tensor bradley_terry_loss(const torch::Tensor& chosen, const torch::Tensor& rejected,
                                 const BradleyTerryOptions& options = {});

// Of each pair: a better and a worse reply to one state. All [B].
struct PairLogProbs {
  torch::Tensor chosen, rejected;  // by the policy, with gradient
  torch::Tensor reference_chosen, reference_rejected;
  torch::Tensor weights = {};  // how much each pair counts; undefined: 1
};

// With h = (log p - log q of the chosen) - (the same of the rejected) and e = label_noise:
enum class DpoKind {
  sigmoid,       // -log sigmoid(beta h) (DPO, Rafailov et al. 2023, arXiv 2305.18290)
  conservative,  // -(1 - e) log sigmoid(beta h) - e log sigmoid(-beta h) (Mitchell 2023): stops at
                 // sigmoid(beta h) = 1 - e
  robust,  // (-(1 - e) log sigmoid(beta h) + e log sigmoid(-beta h)) / (1 - 2 e) (Chowdhury et
           // al. 2024, arXiv 2403.00409): over pairs swapped with probability e its mean is the
           // sigmoid loss of the unswapped ones; not bounded below, so stop early
  ipo,     // (h - 1 / (2 beta))^2 (Azar et al. 2023, arXiv 2310.12036)
};
// By its name in a recipe; sigmoid for any other.
DpoKind dpo_kind(const std::string& preference);
struct DpoOptions {
  DpoKind kind = DpoKind::sigmoid;
  double beta = .1;        // price of KL to the reference, > 0
  double label_noise = 0;  // share of pairs the wrong way round, in [0, .5); conservative, robust
  double total = 0;        // pairs of the whole minibatch where this is a part of it; 0: the whole
};
struct DpoLoss {
  torch::Tensor loss;  // 0-dim, mean over the pairs (sum by weight over their number),
                       // differentiable
  // For the log, without gradient, means over the pairs:
  double chosen_reward = 0, rejected_reward = 0;  // implicit rewards
  double margin = 0;                              // between the two
  double accuracy = 0;  // pairs whose chosen reply has the larger reward; a tie counts a half
};
// IPO's target of h, 1 / (2 beta), is one of nats a reply, however long. Where replies differ much
// in length give it reply_means in place of reply_sums, as TRL does; then beta is one of means.
DpoLoss dpo_loss(const PairLogProbs& pairs, const DpoOptions& options = {});

// KTO (Ethayarajh et al. 2024, arXiv 2402.01306) learns from single replies, each desirable or not.
// With h = log p - log q of the reply and z = max(0, mean of h over mismatched replies), an
// estimate of KL(p || q) that is a number to the gradient:
//   desirable:   desirable_weight * (1 - sigmoid(beta (h - z)))
//   undesirable: undesirable_weight * (1 - sigmoid(beta (z - h)))
struct KtoReplies {
  torch::Tensor log_probs, reference;  // [B]
  torch::Tensor desirable;             // [B] bool
  // [M]: of replies after states that they do not belong to (mismatched_replies), M > 0.
  torch::Tensor mismatched_log_probs = {}, mismatched_reference = {};
  torch::Tensor weights = {};  // [B]: how much each reply counts; undefined: 1
};
struct KtoOptions {
  double beta = .1;  // > 0
  // The paper: weight * number of desirable over the same of undesirable within [1, 4/3].
  double desirable_weight = 1, undesirable_weight = 1;
  // z, where the replies are a part of a minibatch whose z is known (kto_reference_point); the
  // mismatched ones are not read then.
  std::optional<double> reference_point = std::nullopt;
  double total = 0;  // replies of that whole minibatch; 0: these are the whole
};
struct KtoLoss {
  torch::Tensor loss;  // 0-dim, mean over the replies (sum by weight over their number),
                       // differentiable in log_probs
  // For the log, without gradient; 0 where there is no such reply:
  double reference_point = 0;                           // z, nats
  double desirable_reward = 0, undesirable_reward = 0;  // implicit rewards, means
  double margin = 0;                                    // between the two; 0 unless both are there
  double accuracy = 0;  // desirable replies with h above z and undesirable ones below
};
KtoLoss kto_loss(const KtoReplies& replies, const KtoOptions& options = {});

// z of a whole minibatch. log_probs, reference: [M] of mismatched replies. Not negative. Throws
// base::Error for none.
double kto_reference_point(const torch::Tensor& log_probs, const torch::Tensor& reference);

// Which reply to put after each state: those of the batch moved round by the smallest step at which
// none meets a state of its own, or fewest do. states: B numbers, one a distinct state. Throws
// base::UsageError where all are the same state.
std::vector<std::size_t> mismatched_replies(const std::vector<int>& states);

}  // namespace rl
