#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <torch/types.h>

#include "base/json.h"
#include "kernels/compute.h"
#include "model/parameters.h"

namespace model {

// GPT-2's shape, under the names of config.json.
struct Gpt2Config {
  std::int64_t n_layer = 2;
  std::int64_t n_head = 2;
  std::int64_t n_embd = 64;
  std::int64_t n_inner = 0;  // 0: 4 * n_embd
  std::int64_t n_positions = 256;
  std::int64_t vocab_size = 0;
  double layer_norm_epsilon = 1e-5;
  base::Json other = base::Json::object();  // keys of config.json that we keep but do not use

  std::int64_t inner() const { return n_inner > 0 ? n_inner : 4 * n_embd; }
};

// Reads config.json's content. Throws base::DataError where a key is missing or wrong, or asks for
// what is not built (another model_type or activation, scale_attn_by_inverse_layer_idx, …).
Gpt2Config parse_config(const base::Json& json, const std::string& where);
base::Json config_json(const Gpt2Config& config);

// The weights, under the names and in the layout of a Hugging Face checkpoint (wte.weight,
// h.0.attn.c_attn.weight as [in, out], …). The output layer is wte, tied.
struct Gpt2 {
  Gpt2Config config;
  ParameterSet parameters;
};

// Random weights as GPT-2 starts: N(0, .02), residual projections divided by sqrt(2 n_layer), a
// function of the seed.
Gpt2 random_gpt2(const Gpt2Config& config, std::uint64_t seed);

// A model of that shape holding these weights. Throws base::Error(data) where a tensor is missing,
// extra or misshapen.
Gpt2 gpt2_from_tensors(const Gpt2Config& config, const TensorMap& tensors,
                       const std::string& where);

// The weights in the type that a forward pass computes in; differentiable with respect to the
// parameters, so that they are cast once a step. Several passes may share one.
struct Gpt2Weights {
  struct Layer {
    torch::Tensor ln_1_weight, ln_1_bias, c_attn_weight, c_attn_bias, attn_proj_weight,
        attn_proj_bias;
    torch::Tensor ln_2_weight, ln_2_bias, c_fc_weight, c_fc_bias, mlp_proj_weight, mlp_proj_bias;
  };
  Gpt2Config config;
  torch::Tensor wte;  // [V, C]
  torch::Tensor wpe;  // [n_positions, C]
  std::vector<Layer> layers;
  torch::Tensor ln_f_weight, ln_f_bias;
};
Gpt2Weights cast(const Gpt2& model, torch::Dtype type);

// Sequences side by side without padding. ids: [T] int64; bounds: first token of each segment, and
// T.
struct Packed {
  torch::Tensor ids;
  std::vector<std::int64_t> bounds;
};
Packed pack(const std::vector<std::vector<int>>& sequences);

struct ForwardOptions {
  double dropout = 0;  // of the embeddings and of what each half-layer adds
  std::uint64_t dropout_key = 0;
  kernels::Backend backend = kernels::Backend::native;
  // Called for each layer with its queries, keys and values, [T, 3C]; the decoder fills its cache
  // so.
  std::function<void(std::size_t layer, const torch::Tensor& qkv)> on_qkv;
};

// [T, C]: the last hidden states after ln_f, in the weights' type. Each segment has positions 0, 1,
// …. Throws base::Error where a segment is longer than n_positions.
torch::Tensor hidden_states(const Gpt2Weights& weights, const Packed& packed,
                            const ForwardOptions& options = {});

// One layer's two halves for any rows x: [T, C], given how attention turns qkv [T, 3C] into [T, C].
torch::Tensor layer_forward(const Gpt2Weights& weights, std::size_t layer, const torch::Tensor& x,
                            const std::function<torch::Tensor(const torch::Tensor&)>& attend,
                            const ForwardOptions& options = {});

}  // namespace model
