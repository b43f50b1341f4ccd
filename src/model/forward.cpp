#include "model/forward.h"

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "kernels/attention.h"
#include "kernels/cast.h"
#include "kernels/dropout.h"
#include "kernels/few_rows.h"
#include "kernels/linear.h"
#include "kernels/norm.h"
#include "model/gpt2_layer.h"

namespace model {
namespace {

TensorMap by_name(const ParameterSet& parameters, const std::vector<torch::Tensor>& tensors) {
  TensorMap named;
  for (std::size_t i = 0; i < tensors.size(); ++i) named[parameters.names()[i]] = tensors[i];
  return named;
}

// Reads parameters in the type to compute in.
class Caster {
 public:
  Caster(const LanguageModel& model, torch::Dtype type)
      : Caster(model, kernels::cast(model.parameters.tensors(), type)) {}
  // `all`: the parameters, cast, in their order.
  Caster(const LanguageModel& model, const std::vector<torch::Tensor>& all)
      : model_(model), cast_(by_name(model.parameters, all)) {}

  const torch::Tensor& get(const std::string& name) const { return cast_.at(name); }

  Norm norm(const std::string& name) const {
    return {get(name + ".weight"),
            model_.config.norm == NormKind::layer ? get(name + ".bias") : torch::Tensor()};
  }

  // Modules side by side.
  Projection projection(const std::vector<Module>& modules) const {
    std::vector<torch::Tensor> weights, biases;
    for (const Module& module : modules) {
      weights.push_back(get(module.name + ".weight"));
      if (module.bias) biases.push_back(get(module.name + ".bias"));
    }
    const auto join = [](const std::vector<torch::Tensor>& parts, std::int64_t axis) {
      return parts.size() == 1 ? parts[0] : at::cat(parts, axis);
    };
    Projection out;
    out.weight = stores_inputs_first(model_.config.family) ? join(weights, 1)
                                                           : join(weights, 0).t();  // [in, out]
    if (!biases.empty()) out.bias = join(biases, 0);
    return out;
  }

  Weights whole() const {
    const ModelConfig& config = model_.config;
    const OuterNames names = outer_names(config.family);
    Weights weights{config, get(names.embedding), {}, {}, {}, norm(names.final_norm)};
    if (config.rope)
      weights.frequencies =
          rotary_frequencies(*config.rope, config.head_width).to(weights.embedding.device());
    else
      weights.positions = get(names.positions);
    weights.head = config.tied ? weights.embedding : get(names.head);
    for (std::int64_t i = 0; i < config.layers; ++i) {
      const LayerModules layer = layer_modules(config, i);
      weights.layers.push_back({norm(layer.attention_norm), projection(layer.qkv),
                                projection({layer.attention_out}), norm(layer.inner_norm),
                                projection(layer.up), projection({layer.down})});
    }
    return weights;
  }

 private:
  const LanguageModel& model_;
  TensorMap cast_;
};

// The frozen weights are cast once and kept.
std::shared_ptr<const Weights> frozen_weights(const LanguageModel& model, torch::Dtype type) {
  if (!model.frozen || model.frozen->embedding.scalar_type() != type) {
    torch::NoGradGuard no_grad;
    model.frozen = std::make_shared<const Weights>(Caster(model, type).whole());
  }
  return model.frozen;
}

// The adapter's part, its parameters cast, on the frozen weights.
Weights adapted(const LanguageModel& model, const std::vector<torch::Tensor>& cast,
                torch::Dtype type) {
  const Adapter& adapter = *model.adapter;
  const ModelConfig& config = model.config;
  Weights weights = *frozen_weights(model, type);
  weights.adapter_dropout = adapter.settings.dropout;
  const TensorMap named = by_name(adapter.parameters, cast);
  const auto get = [&](const std::string& name) { return named.at(name); };
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const LayerModules layer = layer_modules(config, i);
    Weights::Layer& w = weights.layers[static_cast<std::size_t>(i)];
    const auto add = [&](Projection& projection, const std::vector<Module>& modules) {
      std::int64_t first = 0;
      for (const Module& module : modules) {
        if (is_target(adapter.settings, layer, module))
          projection.adapters.push_back({first, module.out, get(adapter_name(config, module, "A")),
                                         get(adapter_name(config, module, "B")), adapter.scale()});
        first += module.out;
      }
    };
    add(w.qkv, layer.qkv);
    add(w.attention_out, {layer.attention_out});
    add(w.up, layer.up);
    add(w.down, {layer.down});
  }
  if (adapter.rows > 0) {
    const OuterNames names = outer_names(config.family);
    const auto with_rows = [&](const torch::Tensor& whole, const char* name) {
      const std::int64_t end = adapter.first_row + adapter.rows;
      return at::cat({whole.narrow(0, 0, adapter.first_row), get(rows_name(config, name)),
                      whole.narrow(0, end, whole.size(0) - end)});
    };
    weights.embedding = with_rows(weights.embedding, names.embedding);
    weights.head = config.tied ? weights.embedding : with_rows(weights.head, names.head);
  }
  return weights;
}

struct AdapterDropout {
  double share = 0;
  std::uint64_t key = 0;
};

torch::Tensor project(const Projection& projection, const torch::Tensor& x,
                      const AdapterDropout& dropout) {
  const torch::Tensor plain = kernels::linear(x, projection.weight, projection.bias);
  if (projection.adapters.empty()) return plain;
  const torch::Tensor read = kernels::with_dropout(x, dropout.share, dropout.key);
  std::vector<torch::Tensor> columns;
  std::int64_t next = 0;
  const auto take = [&](std::int64_t end) {
    if (end > next) columns.push_back(plain.narrow(1, next, end - next));
    next = end;
  };
  for (const Projection::LowRank& low : projection.adapters) {
    take(low.first);
    columns.push_back(plain.narrow(1, low.first, low.count) +
                      low.scale * at::mm(at::mm(read, low.a.t()), low.b.t()));
    next = low.first + low.count;
  }
  take(plain.size(1));
  return columns.size() == 1 ? columns[0] : at::cat(columns, 1);
}

// The inner layer's activations, [T, inner], of its products [T, inner], gated [T, 2 inner].
torch::Tensor activate_inner(const ModelConfig& config, const torch::Tensor& inner) {
  if (!config.gated) return activate(config.activation, inner);
  return activate(config.activation, inner.narrow(1, 0, config.inner)) *
         inner.narrow(1, config.inner, config.inner);
}

// [T, C]: where tokens enter.
torch::Tensor embed(const Weights& weights, const torch::Tensor& ids,
                    const torch::Tensor& positions, const ForwardOptions& options) {
  const ModelConfig& config = weights.config;
  torch::Tensor x = at::embedding(weights.embedding, ids);
  if (!config.rope) x = x + at::embedding(weights.positions, positions);
  return kernels::with_dropout(
      x, options.dropout, base::random_key({.seed = options.dropout_key, .stage = "embedding"}));
}

}  // namespace

Weights cast(const LanguageModel& model, torch::Dtype type) {
  return from_copies(model, kernels::cast(model.trained().tensors(), type));
}

std::vector<torch::Tensor> trained_copies(const LanguageModel& model, torch::Dtype type) {
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& parameter : model.trained().tensors())
    copies.push_back(parameter.detach().to(type, false, /*copy=*/true).set_requires_grad(true));
  return copies;
}

Weights from_copies(const LanguageModel& model, const std::vector<torch::Tensor>& copies) {
  return model.adapter ? adapted(model, copies, copies.at(0).scalar_type())
                       : Caster(model, copies).whole();
}

Packed pack(const std::vector<std::vector<int>>& segments, std::vector<std::int64_t> prefix) {
  Packed packed;
  packed.prefix = std::move(prefix);
  std::vector<std::int64_t> ids;
  packed.bounds.push_back(0);
  for (const std::vector<int>& segment : segments) {
    ids.insert(ids.end(), segment.begin(), segment.end());
    packed.bounds.push_back(static_cast<std::int64_t>(ids.size()));
  }
  packed.ids = torch::tensor(ids, torch::kInt64);
  return packed;
}

torch::Tensor activate(Activation activation, const torch::Tensor& x) {
  switch (activation) {
    case Activation::gelu:
      return at::gelu(x);
    case Activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case Activation::relu:
      return at::relu(x);
    case Activation::silu:
      return at::silu(x);
  }
  return x;
}

torch::Tensor apply_norm(const Norm& norm, const torch::Tensor& x, double epsilon) {
  return kernels::norm(x, norm.weight, norm.bias, epsilon);
}

double score_scale(const ModelConfig& config, std::size_t layer) {
  const double scale =
      config.scale_scores ? 1 / std::sqrt(static_cast<double>(config.head_width)) : 1;
  return config.scale_by_layer ? scale / static_cast<double>(layer + 1) : scale;
}

std::uint64_t layer_key(const ForwardOptions& options, std::size_t layer) {
  return base::random_key({.seed = options.dropout_key, .stage = "layer", .step = layer});
}

Entered enter(const Weights& weights, const torch::Tensor& ids, const torch::Tensor& positions,
              const ForwardOptions& options) {
  const ModelConfig& config = weights.config;
  const torch::Tensor x = embed(weights, ids, positions, options);
  const Norm& first =
      weights.layers.empty() ? weights.final_norm : weights.layers[0].attention_norm;
  Entered entered{{x, apply_norm(first, x, config.norm_epsilon)}, {}};
  if (config.rope) entered.rotation = rotation_at(weights.frequencies, positions, x.scalar_type());
  return entered;
}

Stream layer_forward(const Weights& weights, std::size_t layer, const Stream& in,
                     const Rotation& rotation,
                     const std::function<torch::Tensor(const torch::Tensor&)>& attend,
                     const ForwardOptions& options) {
  const Weights::Layer& w = weights.layers[layer];
  const ModelConfig& config = weights.config;
  const bool last = layer + 1 == weights.layers.size();
  const std::uint64_t key = layer_key(options, layer);
  std::uint64_t next_key = key + 2;
  const auto projected = [&](const Projection& projection, const torch::Tensor& in) {
    return project(projection, in,
                   {options.adapter_dropout ? weights.adapter_dropout : 0, next_key++});
  };
  const auto add = [&](const torch::Tensor& x, const torch::Tensor& more, const Norm& norm,
                       std::uint64_t dropout_key) -> Stream {
    if (options.dropout == 0) {
      const auto [sum, normed] =
          kernels::add_norm(x, more, norm.weight, norm.bias, config.norm_epsilon);
      return {sum, normed};
    }
    const torch::Tensor sum = kernels::add_dropout(x, more, options.dropout, dropout_key);
    return {sum, apply_norm(norm, sum, config.norm_epsilon)};
  };

  torch::Tensor qkv = projected(w.qkv, in.normed);  // [T, (H + 2G) D]
  if (config.rope) qkv = rotate(qkv, rotation, config.heads + config.key_heads);
  const auto wanted = [&](const torch::Tensor& all) {
    return options.rows.defined() && last ? all.index_select(0, options.rows) : all;
  };
  const torch::Tensor mixed = projected(w.attention_out, wanted(attend(qkv)));
  const Stream middle = add(wanted(in.x), mixed, w.inner_norm, key);

  const torch::Tensor inner = activate_inner(config, projected(w.up, middle.normed));
  return add(middle.x, projected(w.down, inner),
             last ? weights.final_norm : weights.layers[layer + 1].attention_norm, key + 1);
}

bool are_few_rows(const Weights& weights, const torch::Tensor& x) {
  const auto in_all = [&](const Weights::Layer& w, const auto& holds) {
    return holds(w.qkv) && holds(w.attention_out) && holds(w.up) && holds(w.down);
  };
  return !weights.layers.empty() && !at::GradMode::is_enabled() &&
         std::all_of(weights.layers.begin(), weights.layers.end(), [&](const Weights::Layer& w) {
           const auto is_packed = [](const Projection& p) { return p.packed.defined(); };
           const bool on_gpu = x.size(1) <= 1024 && kernels::are_few_rows(x, w.qkv.weight);
           return in_all(w, [](const Projection& p) { return p.adapters.empty(); }) &&
                  (on_gpu || in_all(w, is_packed));
         });
}

torch::Tensor few_rows_forward(const Weights& weights, std::size_t layer, const torch::Tensor& x,
                               const Rotation& rotation,
                               const std::function<torch::Tensor(const torch::Tensor&)>& attend) {
  const Weights::Layer& w = weights.layers[layer];
  const ModelConfig& config = weights.config;
  const auto product = [](const torch::Tensor& in, const Projection& projection,
                          const kernels::FewRows& more) {
    return projection.packed.defined() ? projection.packed.multiply(in, more)
                                       : kernels::few_rows(in, projection.weight, more);
  };
  const auto of_normed = [&](const torch::Tensor& in, const Norm& norm,
                             const Projection& projection, bool gelu) {
    return product(in, projection,
                   {.gain = norm.weight,
                    .shift = norm.bias,
                    .epsilon = config.norm_epsilon,
                    .bias = projection.bias,
                    .gelu = gelu});
  };
  const auto added = [&](const torch::Tensor& to, const torch::Tensor& in,
                         const Projection& projection) {
    return product(in, projection, {.bias = projection.bias, .residual = to});
  };
  torch::Tensor qkv = of_normed(x, w.attention_norm, w.qkv, false);
  if (config.rope) qkv = rotate(qkv, rotation, config.heads + config.key_heads);
  const torch::Tensor middle = added(x, attend(qkv), w.attention_out);
  const bool gelu = !config.gated && config.activation == Activation::gelu_tanh;
  const torch::Tensor inner = of_normed(middle, w.inner_norm, w.up, gelu);
  return added(middle, gelu ? inner : activate_inner(config, inner), w.down);
}

torch::Tensor hidden_states(const Weights& weights, const Packed& packed,
                            const ForwardOptions& options) {
  const ModelConfig& config = weights.config;
  const torch::Device device = weights.embedding.device();
  const kernels::Segments segments =
      kernels::place(kernels::Segments{packed.bounds, packed.prefix}, device);
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(packed.ids.size(0)));
  for (std::int64_t i = 0; i + 1 < static_cast<std::int64_t>(packed.bounds.size()); ++i) {
    const std::int64_t begin = segments.before(i), end = begin + segments.length(i);
    base::check(end <= config.positions, "a sequence of ", end, " tokens in a model of ",
                config.positions, " positions");
    for (std::int64_t p = begin; p < end; ++p) positions.push_back(p);
  }
  const torch::Tensor ids = packed.ids.to(device),
                      places = torch::tensor(positions, torch::kInt64).to(device);
  if (options.backend == kernels::Backend::native && has_gpt2_layers(weights)) {
    torch::Tensor x = embed(weights, ids, places, options);
    for (std::size_t layer = 0; layer < weights.layers.size(); ++layer)
      x = gpt2_layer(weights, layer, x, segments, options);
    return apply_norm(weights.final_norm, x, config.norm_epsilon);
  }
  auto [stream, rotation] = enter(weights, ids, places, options);
  for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
    const auto attend = [&](const torch::Tensor& qkv) {
      if (options.on_qkv) options.on_qkv(layer, qkv);
      return kernels::attention(qkv, segments,
                                {config.heads, config.key_heads, score_scale(config, layer)},
                                options.backend);
    };
    stream = layer_forward(weights, layer, stream, rotation, attend, options);
  }
  return stream.normed;
}

}  // namespace model
