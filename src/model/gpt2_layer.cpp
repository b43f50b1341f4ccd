#include "model/gpt2_layer.h"

#include <algorithm>

#include <torch/csrc/autograd/custom_function.h>

#include "base/random.h"
#include "kernels/bias_gelu.h"
#include "kernels/dropout.h"
#include "kernels/layer_norm.h"

namespace model {
namespace {

struct Settings {
  kernels::Segments segments;
  kernels::Heads heads;
  double epsilon, dropout;
  std::uint64_t key;   // of the first half's dropout; the second's is the next
  torch::Tensor rows;  // that are wanted of the result; undefined: all
  std::function<void(const torch::Tensor& qkv)> on_qkv;
};

// The weights' order among the arguments of the function, behind x.
enum {
  kX,
  kNorm,
  kNormBias,
  kQkv,
  kQkvBias,
  kOut,
  kOutBias,
  kInner,
  kInnerBias,
  kUp,
  kUpBias,
  kDown,
  kDownBias,
  kArguments
};

// What the backward pass needs beside the arguments. T' rows are wanted.
enum {
  kMoments = kArguments,  // of the first norm
  kSeen,                  // [T, C]: what attention reads
  kQkvRows,               // [T, 3 C]
  kMixed,                 // [T', C]: what attention gives
  kMiddle,                // [T', C]: between the halves
  kInnerMoments,          //
  kNormed,                // [T', C]: what the second half reads
  kRaised,                // [T', 4 C], before bias and GELU
  kAttention
};  // and all that follows

torch::Tensor wanted(const torch::Tensor& all, const Settings& settings) {
  return settings.rows.defined() ? all.index_select(0, settings.rows) : all;
}

// The inverse for gradients: rows that were not wanted get 0.
torch::Tensor put_back(const torch::Tensor& part, const torch::Tensor& like,
                       const Settings& settings) {
  return settings.rows.defined() ? torch::zeros_like(like).index_add_(0, settings.rows, part)
                                 : part;
}

// The settings travel beside the tensors from the forward pass to the backward pass.
struct KeptSettings : torch::CustomClassHolder {
  explicit KeptSettings(const Settings& kept) : settings(kept) { settings.on_qkv = nullptr; }
  Settings settings;
};

using Tensors = std::vector<torch::Tensor>;

// x -> seen -> qkv -> mixed -> middle -> normed -> raised -> out. w: the arguments, to which it
// adds what the backward pass needs.
torch::Tensor run_forward(Tensors& w, const Settings& s) {
  const kernels::Normed seen = kernels::layer_norm(w[kX], w[kNorm], w[kNormBias], s.epsilon);
  const torch::Tensor qkv = at::addmm(w[kQkvBias], seen.out, w[kQkv]);
  if (s.on_qkv) s.on_qkv(qkv);
  const kernels::AttentionPass attention = kernels::attention_forward(qkv, s.segments, s.heads);
  const torch::Tensor mixed = wanted(attention.out, s);
  const kernels::ResidualNormed middle =
      kernels::add_dropout_layer_norm(wanted(w[kX], s), at::addmm(w[kOutBias], mixed, w[kOut]),
                                      s.dropout, s.key, w[kInner], w[kInnerBias], s.epsilon);
  const torch::Tensor raised = at::mm(middle.normed.out, w[kUp]);
  const torch::Tensor out = kernels::add_dropout(
      middle.sum, at::addmm(w[kDownBias], kernels::bias_gelu(raised, w[kUpBias]), w[kDown]),
      s.dropout, s.key + 1);
  w.insert(w.end(), {seen.moments, seen.out, qkv, mixed, middle.sum, middle.normed.moments,
                     middle.normed.out, raised});
  w.insert(w.end(), attention.saved.begin(), attention.saved.end());
  return out;
}

// The gradients of the arguments, in their order; of matrices and their biases those that are
// wanted.
Tensors run_backward(const Tensors& w, const torch::Tensor& by_out, const Settings& s,
                     const std::function<bool(int argument)>& is_wanted) {
  Tensors by(kArguments);
  // y = in W + b: the gradients of W and b from that of y, and returned that of `in`.
  const auto project = [&](int weight, int bias, const torch::Tensor& in,
                           const torch::Tensor& by_y) {
    if (is_wanted(weight)) by[weight] = at::mm(in.t(), by_y);
    if (is_wanted(bias) && !by[bias].defined()) by[bias] = kernels::row_sum(by_y);
    return at::mm(by_y, w[weight].t());
  };
  const auto through_norm = [&](int norm, const torch::Tensor& by_normed, const torch::Tensor& in,
                                const torch::Tensor& moments, const torch::Tensor& also) {
    kernels::NormGradients gradients =
        kernels::layer_norm_backward(by_normed, in, w[norm], moments, also);
    by[norm] = gradients.weight;
    by[norm + 1] = gradients.bias;
    return gradients.x;
  };

  const torch::Tensor by_down = kernels::with_dropout(by_out, s.dropout, s.key + 1);
  const torch::Tensor by_active =
      project(kDown, kDownBias, kernels::bias_gelu(w[kRaised], w[kUpBias]), by_down);
  kernels::BiasGeluGradients gelu = kernels::bias_gelu_backward(by_active, w[kRaised], w[kUpBias]);
  by[kUpBias] = gelu.bias;
  const torch::Tensor by_normed = project(kUp, kUpBias, w[kNormed], gelu.x);
  const torch::Tensor by_middle =
      through_norm(kInner, by_normed, w[kMiddle], w[kInnerMoments], by_out);

  const torch::Tensor by_added = kernels::with_dropout(by_middle, s.dropout, s.key);
  const torch::Tensor by_mixed = project(kOut, kOutBias, w[kMixed], by_added);
  const torch::Tensor by_qkv =
      kernels::attention_backward(put_back(by_mixed, w[kX], s), w[kQkvRows],
                                  {w.begin() + kAttention, w.end()}, s.segments, s.heads);
  const torch::Tensor by_seen = project(kQkv, kQkvBias, w[kSeen], by_qkv);
  by[kX] = through_norm(kNorm, by_seen, w[kX], w[kMoments], put_back(by_middle, w[kX], s));
  for (torch::Tensor& gradient : by)
    if (gradient.defined()) gradient = gradient.to(by_out.scalar_type());
  return by;
}

struct Gpt2Layer : torch::autograd::Function<Gpt2Layer> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& norm, const torch::Tensor& norm_bias,
                               const torch::Tensor& qkv, const torch::Tensor& qkv_bias,
                               const torch::Tensor& out, const torch::Tensor& out_bias,
                               const torch::Tensor& inner, const torch::Tensor& inner_bias,
                               const torch::Tensor& up, const torch::Tensor& up_bias,
                               const torch::Tensor& down, const torch::Tensor& down_bias,
                               const Settings& settings) {
    Tensors w = {x,     norm,       norm_bias, qkv,     qkv_bias, out,      out_bias,
                 inner, inner_bias, up,        up_bias, down,     down_bias};
    const torch::Tensor result = run_forward(w, settings);
    context->save_for_backward(w);
    context->saved_data["settings"] =
        c10::IValue::make_capsule(c10::make_intrusive<KeptSettings>(settings));
    return result;
  }

  static Tensors backward(torch::autograd::AutogradContext* context, const Tensors& gradients) {
    const auto kept = context->saved_data["settings"].toCapsule();
    Tensors by =
        run_backward(context->get_saved_variables(), gradients[0].contiguous(),
                     static_cast<const KeptSettings&>(*kept).settings, [&](int argument) {
                       return context->needs_input_grad(static_cast<std::size_t>(argument));
                     });
    by.emplace_back();  // of the settings
    return by;
  }
};

}  // namespace

bool has_gpt2_layers(const Weights& weights) {
  const ModelConfig& config = weights.config;
  const torch::Dtype type = weights.embedding.scalar_type();
  return weights.embedding.is_cpu() && (type == torch::kFloat32 || type == torch::kBFloat16) &&
         config.norm == NormKind::layer && config.activation == Activation::gelu_tanh &&
         !config.gated && !config.rope &&
         std::all_of(weights.layers.begin(), weights.layers.end(), [](const Weights::Layer& layer) {
           const auto plain = [](const Projection& projection) {
             return projection.bias.defined() && projection.adapters.empty();
           };
           return plain(layer.qkv) && plain(layer.attention_out) && plain(layer.up) &&
                  plain(layer.down);
         });
}

torch::Tensor gpt2_layer(const Weights& weights, std::size_t layer, const torch::Tensor& x,
                         const kernels::Segments& segments, const ForwardOptions& options) {
  const Weights::Layer& w = weights.layers[layer];
  const ModelConfig& config = weights.config;
  Settings settings{segments,
                    {config.heads, config.key_heads, score_scale(config, layer)},
                    config.norm_epsilon,
                    options.dropout,
                    layer_key(options, layer),
                    {},
                    {}};
  if (layer + 1 == weights.layers.size()) settings.rows = options.rows;
  if (options.on_qkv)
    settings.on_qkv = [&](const torch::Tensor& qkv) { options.on_qkv(layer, qkv); };
  return Gpt2Layer::apply(x.contiguous(), w.attention_norm.weight, w.attention_norm.bias,
                          w.qkv.weight, w.qkv.bias, w.attention_out.weight, w.attention_out.bias,
                          w.inner_norm.weight, w.inner_norm.bias, w.up.weight, w.up.bias,
                          w.down.weight, w.down.bias, settings);
}

}  // namespace model
