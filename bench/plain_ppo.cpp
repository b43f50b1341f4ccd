#include "plain_ppo.h"

namespace bench {
namespace {

constexpr double kBeta = .05, kClip = .2, kValueWeight = .1, kLambda = .95;

struct Estimated {
  torch::Tensor advantages, returns;
};

Estimated estimate(const torch::Tensor& rewards, const torch::Tensor& values) {
  const std::int64_t n = rewards.size(1);
  torch::Tensor advantages = torch::empty_like(rewards),
                last = torch::zeros_like(rewards.select(1, 0));
  for (std::int64_t t = n - 1; t >= 0; --t) {
    const torch::Tensor next = t + 1 < n ? values.select(1, t + 1) : torch::zeros_like(last);
    last = rewards.select(1, t) + next - values.select(1, t) + kLambda * last;
    advantages.select(1, t).copy_(last);
  }
  return {(advantages - advantages.mean()) * at::rsqrt(advantages.var() + 1e-8),
          advantages + values};
}

}  // namespace

PlainPpo::PlainPpo(const model::LanguageModel& initial, PlainModel::Attention attention,
                   const PlainPpoShape& shape)
    : shape_(shape),
      policy_(initial, attention),
      reference_(initial, attention),
      value_weight_(torch::zeros({initial.config.width}, initial.device()).set_requires_grad(true)),
      value_bias_(torch::zeros({1}, initial.device()).set_requires_grad(true)) {
  policy_.cast();
  reference_.cast();
}

torch::Tensor PlainPpo::sample(const torch::Tensor& prompts) {
  torch::NoGradGuard no_grad;
  PlainModel::Cache cache = policy_.make_cache(prompts.size(0), shape_.prompt + shape_.reply);
  std::vector<torch::Tensor> ids = {prompts};
  torch::Tensor next = prompts;
  for (std::int64_t t = 0; t < shape_.reply; ++t) {
    next = policy_.draw_next(next, cache);
    ids.push_back(next);
  }
  return at::cat(ids, 1);
}

PlainPpo::Scored PlainPpo::score(const PlainModel& model, const torch::Tensor& ids,
                                 bool with_values) const {
  const std::int64_t before = shape_.prompt - 1;
  const torch::Tensor hidden = model.hidden(ids);  // [b, T, C]
  const torch::Tensor logits = at::linear(hidden, model.at("wte.weight"))
                                   .narrow(1, before, shape_.reply)
                                   .to(torch::kFloat32);  // [b, reply, V]
  const torch::Tensor log_p = at::log_softmax(logits, -1);
  Scored scored;
  scored.log_probs =
      log_p.gather(2, ids.narrow(1, shape_.prompt, shape_.reply).unsqueeze(2)).squeeze(2);
  {
    torch::NoGradGuard no_grad;
    scored.entropies = -(log_p.exp() * log_p).sum(2);
  }
  if (with_values)
    scored.values =
        at::matmul(hidden.narrow(1, before, shape_.reply).to(torch::kFloat32), value_weight_) +
        value_bias_;
  return scored;
}

torch::Tensor PlainPpo::log_probs(const torch::Tensor& ids) {
  torch::NoGradGuard no_grad;
  return score(policy_, ids, false).log_probs;
}

void PlainPpo::iterate(const torch::Tensor& prompts, const torch::Tensor& scores,
                       double learning_rate) {
  policy_.cast();
  const torch::Tensor ids = sample(prompts);
  Scored old;
  torch::Tensor advantages, returns;
  {
    torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> log_probs, references, values;
    for (std::int64_t b = 0; b < ids.size(0); b += shape_.minibatch) {
      const torch::Tensor some = ids.narrow(0, b, shape_.minibatch);
      const Scored now = score(policy_, some, true);
      log_probs.push_back(now.log_probs);
      values.push_back(now.values);
      references.push_back(score(reference_, some, false).log_probs);
    }
    old = {at::cat(log_probs), at::cat(values), {}};
    torch::Tensor rewards = -kBeta * (old.log_probs - at::cat(references));
    rewards.select(1, shape_.reply - 1) += scores;
    const Estimated estimated = estimate(rewards, old.values);
    advantages = estimated.advantages;
    returns = estimated.returns;
  }
  update(ids, old, advantages, returns, learning_rate);
}

void PlainPpo::update(const torch::Tensor& ids, const Scored& old, const torch::Tensor& advantages,
                      const torch::Tensor& returns, double learning_rate) {
  for (int epoch = 0; epoch < shape_.epochs; ++epoch) {
    const torch::Tensor order = at::randperm(ids.size(0), ids.options());
    for (std::int64_t b = 0; b < ids.size(0); b += shape_.minibatch) {
      const torch::Tensor rows = order.narrow(0, b, shape_.minibatch);
      const auto of = [&](const torch::Tensor& x) { return x.index_select(0, rows); };
      policy_.cast();
      const Scored now = score(policy_, of(ids), true);
      const torch::Tensor ratio = (now.log_probs - of(old.log_probs)).exp(),
                          advantage = of(advantages), before = of(old.values);
      const torch::Tensor policy_loss =
          at::maximum(-advantage * ratio, -advantage * ratio.clamp(1 - kClip, 1 + kClip)).mean();
      const torch::Tensor clipped = before + (now.values - before).clamp(-kClip, kClip);
      const torch::Tensor value_loss =
          .5 *
          at::maximum((now.values - of(returns)).square(), (clipped - of(returns)).square()).mean();
      (policy_loss + kValueWeight * value_loss).backward();
      policy_.step(learning_rate, 1, {value_weight_, value_bias_});
    }
  }
}

}  // namespace bench
