#include "plain_sft.h"

#include <torch/csrc/autograd/custom_function.h>

namespace bench {
namespace {

struct PlainHead : torch::autograd::Function<PlainHead> {
  // hidden: [N, C], weight: [V, C], targets: [N, 1]. The mean cross-entropy.
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& hidden, const torch::Tensor& weight,
                               const torch::Tensor& targets, std::int64_t chunk_tokens) {
    const std::int64_t tokens = hidden.size(0);
    torch::Tensor sum = torch::zeros({}, hidden.options().dtype(torch::kFloat32));
    torch::Tensor by_hidden = torch::empty_like(hidden), by_weight = torch::zeros_like(weight);
    for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
      const std::int64_t size = std::min(chunk_tokens, tokens - begin);
      const torch::Tensor chunk = hidden.narrow(0, begin, size),
                          target = targets.narrow(0, begin, size);
      torch::Tensor log_p = at::log_softmax(at::linear(chunk, weight), -1, torch::kFloat32);
      sum -= log_p.gather(1, target).sum();
      log_p.exp_().scatter_add_(1, target, torch::full({size, 1}, -1.f, log_p.options()));
      const torch::Tensor gradient =
          log_p.mul_(1. / static_cast<double>(tokens)).to(hidden.dtype());
      by_hidden.narrow(0, begin, size).copy_(at::mm(gradient, weight));
      by_weight.addmm_(gradient.t(), chunk);
    }
    context->save_for_backward({by_hidden, by_weight});
    return sum / tokens;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list&) {
    const auto saved = context->get_saved_variables();  // the loss is the end: its gradient is 1
    return {saved[0], saved[1], torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

double PlainSft::step(const torch::Tensor& ids, double learning_rate, double max_norm) {
  model_.cast();
  const std::int64_t t = ids.size(1);
  torch::Tensor hidden =
      model_.hidden(ids.clamp_min(0)).narrow(1, 0, t - 1).reshape({-1, model_.config().width});
  torch::Tensor targets = ids.narrow(1, 1, t - 1).reshape({-1});
  if (const torch::Tensor there = targets.ge(0); !there.all().item<bool>()) {
    const torch::Tensor rows = there.nonzero().view({-1});
    hidden = hidden.index_select(0, rows);
    targets = targets.index_select(0, rows);
  }
  const torch::Tensor loss =
      PlainHead::apply(hidden, model_.at("wte.weight"), targets.unsqueeze(1).contiguous(), chunk_);
  loss.backward();
  model_.step(learning_rate, max_norm);
  return loss.item<double>();
}

}  // namespace bench
