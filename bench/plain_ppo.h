#pragma once

#include "plain_model.h"

namespace bench {

struct PlainPpoShape {
  std::int64_t prompt = 64, reply = 64, minibatch = 8;
  int epochs = 4;
};

// A PPO iteration in plain libtorch as it is commonly written: prompts and replies padded to one
// length; replies sampled with a cache; logits computed at every position by policy and reference,
// then cut to the reply; the whole batch computed anew in every epoch; entropies for the log.
class PlainPpo {
 public:
  PlainPpo(const model::LanguageModel& initial, PlainModel::Attention attention,
           const PlainPpoShape& shape);

  // prompts: [B, prompt] int64; scores: one a reply, for its last token.
  void iterate(const torch::Tensor& prompts, const torch::Tensor& scores, double learning_rate);

  // [B, reply]: natural log-probabilities of the tokens after the prompt, ids: [B, prompt + reply].
  torch::Tensor log_probs(const torch::Tensor& ids);

 private:
  struct Scored {
    torch::Tensor log_probs, values, entropies;  // [B, reply]
  };
  torch::Tensor sample(const torch::Tensor& prompts);
  Scored score(const PlainModel& model, const torch::Tensor& ids, bool with_values) const;
  void update(const torch::Tensor& ids, const Scored& old, const torch::Tensor& advantages,
              const torch::Tensor& returns, double learning_rate);

  PlainPpoShape shape_;
  PlainModel policy_, reference_;
  torch::Tensor value_weight_, value_bias_;
};

}  // namespace bench
