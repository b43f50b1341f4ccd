#include "plain_model.h"

#include <cmath>

#include "harness.h"

namespace bench {

PlainModel::PlainModel(const model::LanguageModel& initial, Attention attention)
    : config_(initial.config),
      type_(compute_type(initial.device())),
      attention_(attention),
      names_(initial.parameters.names()) {
  for (const std::string& name : names_) {
    parameters_.push_back(initial.parameters.at(name).detach().clone());
    first_.push_back(torch::zeros_like(parameters_.back()));
    second_.push_back(torch::zeros_like(parameters_.back()));
    steps_.push_back(torch::zeros({}, parameters_.back().options()));
  }
}

void PlainModel::cast() {
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < names_.size(); ++i)
    cast_[names_[i]] = parameters_[i].detach().to(type_).set_requires_grad(true);
}

PlainModel::Cache PlainModel::make_cache(std::int64_t batch, std::int64_t room) const {
  Cache cache;
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    cache.keys.push_back(torch::empty({batch, config_.heads, room, config_.width / config_.heads},
                                      parameters_[0].options().dtype(type_)));
    cache.values.push_back(torch::empty_like(cache.keys.back()));
  }
  return cache;
}

torch::Tensor PlainModel::attend(const torch::Tensor& qkv, std::int64_t layer, Cache* cache) const {
  const std::int64_t batch = qkv.size(0), t = qkv.size(1), heads = config_.heads,
                     width = config_.width / heads;
  auto parts = qkv.view({batch, t, 3, heads, width}).permute({2, 0, 3, 1, 4}).unbind(0);
  if (cache) {
    const auto grow = [&](torch::Tensor& part, torch::Tensor& all) {
      all.narrow(2, cache->length, t).copy_(part);
      part = all.narrow(2, 0, cache->length + t);
    };
    grow(parts[1], cache->keys[static_cast<std::size_t>(layer)]);
    grow(parts[2], cache->values[static_cast<std::size_t>(layer)]);
  }
  return plain_attention(parts, attention_);
}

torch::Tensor PlainModel::hidden(const torch::Tensor& ids, Cache* cache) const {
  const std::int64_t width = config_.width, t = ids.size(1), begin = cache ? cache->length : 0;
  const auto norm = [&](const torch::Tensor& x, const std::string& name) {
    return at::layer_norm(x, {width}, at(name + ".weight"), at(name + ".bias"),
                          config_.norm_epsilon);
  };
  const auto linear = [&](const torch::Tensor& x, const std::string& name) {
    const torch::Tensor rows = x.reshape({-1, x.size(-1)});
    return at::addmm(at(name + ".bias"), rows, at(name + ".weight")).view({ids.size(0), t, -1});
  };
  torch::Tensor x = at::embedding(at("wte.weight"), ids) + at("wpe.weight").narrow(0, begin, t);
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    const std::string layer = "h." + std::to_string(i) + ".";
    const torch::Tensor qkv = linear(norm(x, layer + "ln_1"), layer + "attn.c_attn");
    x = x + linear(attend(qkv, i, cache), layer + "attn.c_proj");
    x = x + linear(at::gelu(linear(norm(x, layer + "ln_2"), layer + "mlp.c_fc"), "tanh"),
                   layer + "mlp.c_proj");
  }
  if (cache) cache->length += t;
  return norm(x, "ln_f");
}

torch::Tensor PlainModel::draw_next(const torch::Tensor& ids, Cache& cache) const {
  torch::NoGradGuard no_grad;
  const torch::Tensor last = hidden(ids, &cache).select(1, ids.size(1) - 1);
  const torch::Tensor logits = at::linear(last, at("wte.weight"));
  return at::multinomial(at::softmax(logits, -1, torch::kFloat32), 1);
}

void PlainModel::step(double learning_rate, double max_norm, std::vector<torch::Tensor> more) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const std::string& name : names_)
    gradients.push_back(cast_[name].grad().to(torch::kFloat32));
  const double norm =
      at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)), 2).item<double>();
  if (norm > max_norm) at::_foreach_mul_(gradients, max_norm / norm);
  at::_foreach_add_(steps_, 1);
  at::_fused_adamw_(parameters_, gradients, first_, second_, {}, steps_, learning_rate, .9, .95, .1,
                    1e-8, /*amsgrad=*/false, /*maximize=*/false);
  for (torch::Tensor& parameter : more) {
    parameter -= learning_rate * parameter.grad();
    parameter.mutable_grad() = torch::Tensor();
  }
}

torch::Tensor plain_attention(const std::vector<torch::Tensor>& parts, PlainModel::Attention kind) {
  const torch::Tensor &query = parts[0], &key = parts[1], &value = parts[2];
  const std::int64_t t = query.size(2);
  const bool causal = t == key.size(2);
  torch::Tensor mixed;
  if (kind == PlainModel::Attention::fused) {
    mixed = at::scaled_dot_product_attention(query, key, value, {}, 0., causal);
  } else {
    torch::Tensor scores = at::matmul(query * (1 / std::sqrt(static_cast<double>(query.size(3)))),
                                      key.transpose(2, 3));
    if (causal)
      scores =
          scores + torch::full({t, t}, -INFINITY, query.options().requires_grad(false)).triu(1);
    mixed = at::matmul(at::softmax(scores, -1), value);
  }
  return mixed.transpose(1, 2).reshape({query.size(0), t, query.size(1) * query.size(3)});
}

double relative_error(const torch::Tensor& found, const torch::Tensor& wanted) {
  const torch::Tensor exact = wanted.to(torch::kFloat32);
  return ((found.to(torch::kFloat32) - exact).norm() / exact.norm()).item<double>();
}

const char* name_of(PlainModel::Attention attention) {
  return attention == PlainModel::Attention::fused ? "fused" : "unfused";
}

PlainModel::Attention faster_attention(
    const std::function<double(PlainModel::Attention)>& seconds_of) {
  const double fused = seconds_of(PlainModel::Attention::fused);
  return fused < seconds_of(PlainModel::Attention::unfused) ? PlainModel::Attention::fused
                                                            : PlainModel::Attention::unfused;
}

}  // namespace bench
