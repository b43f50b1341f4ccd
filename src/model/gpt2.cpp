#include "model/gpt2.h"

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "kernels/attention.h"
#include "kernels/dropout.h"

namespace model {
namespace {

std::string layer_name(std::int64_t layer, const std::string& name) {
  return base::concatenate("h.", layer, ".", name);
}

// Every parameter's name and shape, in checkpoint order.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> parameter_shapes(
    const Gpt2Config& c) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes = {
      {"wte.weight", {c.vocab_size, c.n_embd}}, {"wpe.weight", {c.n_positions, c.n_embd}}};
  for (std::int64_t i = 0; i < c.n_layer; ++i) {
    const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
      shapes.emplace_back(layer_name(i, name), std::move(shape));
    };
    add("ln_1.weight", {c.n_embd});
    add("ln_1.bias", {c.n_embd});
    add("attn.c_attn.weight", {c.n_embd, 3 * c.n_embd});
    add("attn.c_attn.bias", {3 * c.n_embd});
    add("attn.c_proj.weight", {c.n_embd, c.n_embd});
    add("attn.c_proj.bias", {c.n_embd});
    add("ln_2.weight", {c.n_embd});
    add("ln_2.bias", {c.n_embd});
    add("mlp.c_fc.weight", {c.n_embd, c.inner()});
    add("mlp.c_fc.bias", {c.inner()});
    add("mlp.c_proj.weight", {c.inner(), c.n_embd});
    add("mlp.c_proj.bias", {c.n_embd});
  }
  shapes.emplace_back("ln_f.weight", std::vector<std::int64_t>{c.n_embd});
  shapes.emplace_back("ln_f.bias", std::vector<std::int64_t>{c.n_embd});
  return shapes;
}

torch::Tensor initial_value(const std::string& name, const std::vector<std::int64_t>& shape,
                            const Gpt2Config& config, std::uint64_t seed) {
  if (name.ends_with(".bias")) return torch::zeros(shape);
  if (shape.size() == 1) return torch::ones(shape);  // a layer norm's gain
  const double deviation =
      name.ends_with("c_proj.weight") ? .02 / std::sqrt(2. * config.n_layer) : .02;
  return normal_values(shape, deviation, {.seed = seed, .stage = name});
}

void check_shape(const Gpt2Config& c, const std::string& where) {
  if (c.n_layer < 1 || c.n_head < 1 || c.n_embd < 1 || c.n_positions < 1 || c.vocab_size < 1 ||
      c.n_inner < 0)
    throw base::DataError(
        where, ": n_layer, n_head, n_embd, n_positions and vocab_size must be at least 1");
  if (c.n_embd % c.n_head != 0)
    throw base::DataError(where, ": n_embd ", c.n_embd, " is no multiple of n_head ", c.n_head);
}

}  // namespace

Gpt2Config parse_config(const base::Json& json, const std::string& where) {
  const auto type = base::require<std::string>(json, "model_type", where);
  if (type != "gpt2")
    throw base::DataError(where, ": model_type is \"", type, "\", expected \"gpt2\"");
  const auto refuse = [&](const char* key, bool wanted) {
    if (base::optional<bool>(json, key, where).value_or(wanted) != wanted)
      throw base::DataError(where, ": ", key, " is ", wanted ? "false" : "true",
                            ", which is not supported");
  };
  refuse("scale_attn_weights", true);
  refuse("scale_attn_by_inverse_layer_idx", false);
  refuse("reorder_and_upcast_attn", false);
  refuse("tie_word_embeddings", true);
  const auto activation =
      base::optional<std::string>(json, "activation_function", where).value_or("gelu_new");
  if (activation != "gelu_new")
    throw base::DataError(where, ": activation_function is \"", activation,
                          "\", expected \"gelu_new\"");
  Gpt2Config config;
  config.n_layer = base::require<std::int64_t>(json, "n_layer", where);
  config.n_head = base::require<std::int64_t>(json, "n_head", where);
  config.n_embd = base::require<std::int64_t>(json, "n_embd", where);
  config.n_inner = base::optional<std::int64_t>(json, "n_inner", where).value_or(0);
  config.n_positions = base::require<std::int64_t>(json, "n_positions", where);
  config.vocab_size = base::require<std::int64_t>(json, "vocab_size", where);
  config.layer_norm_epsilon =
      base::optional<double>(json, "layer_norm_epsilon", where).value_or(1e-5);
  config.other = json;
  check_shape(config, where);
  return config;
}

base::Json config_json(const Gpt2Config& c) {
  base::Json json = c.other;
  json["model_type"] = "gpt2";
  json["architectures"] = {"GPT2LMHeadModel"};
  json["n_layer"] = c.n_layer;
  json["n_head"] = c.n_head;
  json["n_embd"] = c.n_embd;
  json["n_inner"] = c.n_inner > 0 ? base::Json(c.n_inner) : base::Json(nullptr);
  json["n_positions"] = c.n_positions;
  json["vocab_size"] = c.vocab_size;
  json["activation_function"] = "gelu_new";
  json["layer_norm_epsilon"] = c.layer_norm_epsilon;
  json["tie_word_embeddings"] = true;
  for (const char* key : {"attn_pdrop", "embd_pdrop", "resid_pdrop"})
    if (!json.contains(key)) json[key] = 0.0;
  json["torch_dtype"] = "float32";
  return json;
}

Gpt2 random_gpt2(const Gpt2Config& config, std::uint64_t seed) {
  check_shape(config, "model");
  Gpt2 model{config, {}};
  for (const auto& [name, shape] : parameter_shapes(config))
    model.parameters.add(name, initial_value(name, shape, config, seed));
  return model;
}

Gpt2 gpt2_from_tensors(const Gpt2Config& config, const TensorMap& tensors,
                       const std::string& where) {
  Gpt2 model{config, {}};
  for (const auto& [name, shape] : parameter_shapes(config))
    model.parameters.add(name, torch::empty(shape));
  model.parameters.assign(tensors, where);
  return model;
}

Gpt2Weights cast(const Gpt2& model, torch::Dtype type) {
  const auto get = [&](const std::string& name) { return model.parameters.at(name).to(type); };
  Gpt2Weights weights{model.config, get("wte.weight"),  get("wpe.weight"),
                      {},           get("ln_f.weight"), get("ln_f.bias")};
  for (std::int64_t i = 0; i < model.config.n_layer; ++i) {
    const auto of = [&](const std::string& name) { return get(layer_name(i, name)); };
    weights.layers.push_back({of("ln_1.weight"), of("ln_1.bias"), of("attn.c_attn.weight"),
                              of("attn.c_attn.bias"), of("attn.c_proj.weight"),
                              of("attn.c_proj.bias"), of("ln_2.weight"), of("ln_2.bias"),
                              of("mlp.c_fc.weight"), of("mlp.c_fc.bias"), of("mlp.c_proj.weight"),
                              of("mlp.c_proj.bias")});
  }
  return weights;
}

Packed pack(const std::vector<std::vector<int>>& sequences) {
  Packed packed;
  std::vector<std::int64_t> ids;
  packed.bounds.push_back(0);
  for (const std::vector<int>& sequence : sequences) {
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    packed.bounds.push_back(static_cast<std::int64_t>(ids.size()));
  }
  packed.ids = torch::tensor(ids, torch::kInt64);
  return packed;
}

torch::Tensor layer_forward(const Gpt2Weights& weights, std::size_t layer, const torch::Tensor& x,
                            const std::function<torch::Tensor(const torch::Tensor&)>& attend,
                            const ForwardOptions& options) {
  const Gpt2Weights::Layer& w = weights.layers[layer];
  const std::int64_t width = weights.config.n_embd;
  const double epsilon = weights.config.layer_norm_epsilon;
  const std::uint64_t key =
      base::random_key({.seed = options.dropout_key, .stage = "layer", .step = layer});

  const torch::Tensor seen = at::layer_norm(x, {width}, w.ln_1_weight, w.ln_1_bias, epsilon);
  const torch::Tensor qkv = at::addmm(w.c_attn_bias, seen, w.c_attn_weight);  // [T, 3C]
  const torch::Tensor mixed = at::addmm(w.attn_proj_bias, attend(qkv), w.attn_proj_weight);
  const torch::Tensor middle = kernels::add_dropout(x, mixed, options.dropout, key);

  const torch::Tensor normed = at::layer_norm(middle, {width}, w.ln_2_weight, w.ln_2_bias, epsilon);
  const torch::Tensor inner =
      at::gelu(at::addmm(w.c_fc_bias, normed, w.c_fc_weight), "tanh");  // [T, 4C]
  const torch::Tensor added = at::addmm(w.mlp_proj_bias, inner, w.mlp_proj_weight);
  return kernels::add_dropout(middle, added, options.dropout, key + 1);
}

torch::Tensor hidden_states(const Gpt2Weights& weights, const Packed& packed,
                            const ForwardOptions& options) {
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(packed.ids.size(0)));
  for (std::size_t i = 0; i + 1 < packed.bounds.size(); ++i) {
    const std::int64_t length = packed.bounds[i + 1] - packed.bounds[i];
    base::check(length <= weights.config.n_positions, "a sequence of ", length,
                " tokens in a model of ", weights.config.n_positions, " positions");
    for (std::int64_t p = 0; p < length; ++p) positions.push_back(p);
  }
  torch::Tensor x =
      at::embedding(weights.wte, packed.ids) + at::embedding(weights.wpe, torch::tensor(positions));
  x = kernels::with_dropout(x, options.dropout,
                            base::random_key({.seed = options.dropout_key, .stage = "embedding"}));
  for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
    const auto attend = [&](const torch::Tensor& qkv) {
      if (options.on_qkv) options.on_qkv(layer, qkv);
      return kernels::attention(qkv, packed.bounds, weights.config.n_head, options.backend);
    };
    x = layer_forward(weights, layer, x, attend, options);
  }
  return at::layer_norm(x, {weights.config.n_embd}, weights.ln_f_weight, weights.ln_f_bias,
                        weights.config.layer_norm_epsilon);
}

}  // namespace model
