#include "plain_sft.h"

#include <cmath>

#include <torch/csrc/autograd/custom_function.h>

namespace bench {
namespace {

constexpr std::int64_t kChunk = 128;

struct PlainHead : torch::autograd::Function<PlainHead> {
  // hidden: [N, C], weight: [V, C], targets: [N, 1]. The mean cross-entropy.
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& hidden, const torch::Tensor& weight,
                               const torch::Tensor& targets) {
    const std::int64_t tokens = hidden.size(0);
    torch::Tensor sum = torch::zeros({}, torch::kFloat32);
    torch::Tensor by_hidden = torch::empty_like(hidden), by_weight = torch::zeros_like(weight);
    for (std::int64_t begin = 0; begin < tokens; begin += kChunk) {
      const std::int64_t size = std::min(kChunk, tokens - begin);
      const torch::Tensor chunk = hidden.narrow(0, begin, size),
                          target = targets.narrow(0, begin, size);
      torch::Tensor log_p = at::log_softmax(at::linear(chunk, weight), -1, torch::kFloat32);
      sum -= log_p.gather(1, target).sum();
      log_p.exp_().scatter_add_(1, target, torch::full({size, 1}, -1.f));
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
    return {saved[0], saved[1], torch::Tensor()};
  }
};

}  // namespace

PlainSft::PlainSft(const model::Gpt2& initial, Attention attention)
    : config_(initial.config), attention_(attention), names_(initial.parameters.names()) {
  for (const std::string& name : names_) {
    parameters_.push_back(initial.parameters.at(name).detach().clone());
    first_.push_back(torch::zeros_like(parameters_.back()));
    second_.push_back(torch::zeros_like(parameters_.back()));
    steps_.push_back(torch::zeros({}, torch::kFloat32));
  }
}

torch::Tensor PlainSft::attend(const torch::Tensor& qkv) const {
  const std::int64_t batch = qkv.size(0), t = qkv.size(1), heads = config_.n_head,
                     width = config_.n_embd / heads;
  const auto parts = qkv.view({batch, t, 3, heads, width}).permute({2, 0, 3, 1, 4}).unbind(0);
  torch::Tensor mixed;
  if (attention_ == Attention::fused) {
    mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, 0., true);
  } else {
    const torch::Tensor later =
        torch::full({t, t}, -INFINITY, qkv.options().requires_grad(false)).triu(1);
    const torch::Tensor scores = at::matmul(parts[0] * (1 / std::sqrt(static_cast<double>(width))),
                                            parts[1].transpose(2, 3)) +
                                 later;
    mixed = at::matmul(at::softmax(scores, -1), parts[2]);
  }
  return mixed.transpose(1, 2).reshape({batch, t, config_.n_embd});
}

torch::Tensor PlainSft::loss(const torch::Tensor& ids) {
  cast_.clear();
  for (std::size_t i = 0; i < names_.size(); ++i)
    cast_[names_[i]] = parameters_[i].to(torch::kBFloat16).set_requires_grad(true);
  const std::int64_t width = config_.n_embd, t = ids.size(1);
  const auto norm = [&](const torch::Tensor& x, const std::string& name) {
    return at::layer_norm(x, {width}, at(name + ".weight"), at(name + ".bias"),
                          config_.layer_norm_epsilon);
  };
  const auto linear = [&](const torch::Tensor& x, const std::string& name) {
    const torch::Tensor rows = x.reshape({-1, x.size(-1)});
    return at::addmm(at(name + ".bias"), rows, at(name + ".weight")).view({ids.size(0), t, -1});
  };
  torch::Tensor x = at::embedding(at("wte.weight"), ids) + at("wpe.weight").narrow(0, 0, t);
  for (std::int64_t i = 0; i < config_.n_layer; ++i) {
    const std::string layer = "h." + std::to_string(i) + ".";
    x = x + linear(attend(linear(norm(x, layer + "ln_1"), layer + "attn.c_attn")),
                   layer + "attn.c_proj");
    x = x + linear(at::gelu(linear(norm(x, layer + "ln_2"), layer + "mlp.c_fc"), "tanh"),
                   layer + "mlp.c_proj");
  }
  const torch::Tensor hidden = norm(x, "ln_f").narrow(1, 0, t - 1).reshape({-1, width});
  return PlainHead::apply(hidden, at("wte.weight"),
                          ids.narrow(1, 1, t - 1).reshape({-1, 1}).contiguous());
}

double PlainSft::step(const torch::Tensor& ids, double learning_rate, double max_norm) {
  const torch::Tensor value = loss(ids);
  value.backward();
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const std::string& name : names_)
    gradients.push_back(cast_[name].grad().to(torch::kFloat32));
  double square = 0;
  for (const torch::Tensor& norm : at::_foreach_norm(gradients, 2))
    square += std::pow(norm.item<double>(), 2);
  const double norm = std::sqrt(square);
  if (norm > max_norm) at::_foreach_mul_(gradients, max_norm / norm);
  at::_foreach_add_(steps_, 1);
  at::_fused_adamw_(parameters_, gradients, first_, second_, {}, steps_, learning_rate, .9, .95, .1,
                    1e-8, /*amsgrad=*/false, /*maximize=*/false);
  return value.item<double>();
}

}  // namespace bench
