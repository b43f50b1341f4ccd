#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <torch/types.h>

#include "kernels/compute.h"
#include "kernels/packed_matrix.h"
#include "model/language_model.h"
#include "model/rope.h"

namespace model {

struct Norm {
  torch::Tensor weight, bias;  // [C]; no bias: root mean square only
};

// y = x W + b, and what low-rank adapters add to some of its columns.
struct Projection {
  torch::Tensor weight;  // [in, out]
  torch::Tensor bias;    // [out], or undefined
  struct LowRank {
    std::int64_t first, count;  // columns
    torch::Tensor a, b;         // [r, in], [count, r]
    double scale;
  };
  std::vector<LowRank> adapters;      // by column
  kernels::PackedMatrix packed = {};  // `weight` once more, where it was laid out for decoding
};

// The weights in the type that a forward pass computes in; differentiable with respect to the
// trained parameters, so that they are cast once a step. Several passes may share one. They stay on
// the parameters' device, and what is computed with them is there.
struct Weights {
  struct Layer {
    Norm attention_norm;
    Projection qkv, attention_out;
    Norm inner_norm;
    Projection up, down;  // gated: up is [C, 2 inner], gate first
  };
  ModelConfig config;
  torch::Tensor embedding;  // [V, C]
  torch::Tensor positions;  // [P, C], where they are learned
  torch::Tensor head;       // [V, C], the output layer: `embedding` where it is tied
  std::vector<Layer> layers;
  Norm final_norm;
  double adapter_dropout = 0;
  torch::Tensor frequencies = {};  // [D/2] float, where positions turn heads
};
Weights cast(const LanguageModel& model, torch::Dtype type);

// The trained parameters again in the type to compute in, in their order: leaves of their own,
// whose gradients are in that type. They stay what they are until somebody writes them
// (train::AdamW does, as it writes the parameters). And the weights made of them, differentiable
// with respect to them.
std::vector<torch::Tensor> trained_copies(const LanguageModel& model, torch::Dtype type);
Weights from_copies(const LanguageModel& model, const std::vector<torch::Tensor>& copies);

// Sequences side by side without padding. ids: [T] int64; bounds: first token of each segment, and
// T; prefix: one a segment, which segment comes before it, or -1, as in kernels::Segments; empty:
// none.
struct Packed {
  torch::Tensor ids;
  std::vector<std::int64_t> bounds;
  std::vector<std::int64_t> prefix = {};
};
Packed pack(const std::vector<std::vector<int>>& segments, std::vector<std::int64_t> prefix = {});

struct ForwardOptions {
  double dropout = 0;  // of the embeddings and of what each half-layer adds
  std::uint64_t dropout_key = 0;
  bool adapter_dropout = false;  // of what adapters read, as their settings say
  kernels::Backend backend = kernels::default_backend();
  // Called for each layer with its queries, keys and values, [T, (H + 2G) D], after rotation; the
  // decoder fills its cache so. Without a gradient where a layer is worked out by hand.
  std::function<void(std::size_t layer, const torch::Tensor& qkv)> on_qkv;
  // Which rows are wanted, int64, on the weights' device; undefined: all. The last layer's work on
  // the others is left out.
  torch::Tensor rows = {};
};

// [T, C], or one row each of options.rows: the last hidden states after the final norm, in the
// weights' type. A segment's positions go on after its prefix's, or begin at 0. Throws base::Error
// where a segment with its prefix is longer than the model's positions.
torch::Tensor hidden_states(const Weights& weights, const Packed& packed,
                            const ForwardOptions& options = {});

// What the layers pass on: the sum of all that they added, and its norm, which the next one reads,
// or which are the last hidden states. [T, C] each.
struct Stream {
  torch::Tensor x, normed;
};

// Where tokens enter. ids, positions: [T] int64 or int32, on the weights' device; dropout and its
// key of `options`.
struct Entered {
  Stream stream;      // at the first layer
  Rotation rotation;  // for the layers; undefined where positions are learned
};
Entered enter(const Weights& weights, const torch::Tensor& ids, const torch::Tensor& positions,
              const ForwardOptions& options = {});

// One layer's two halves for any rows, given how attention turns qkv [T, (H + 2G) D] into
// [T, H D]. Of the last layer only options.rows.
Stream layer_forward(const Weights& weights, std::size_t layer, const Stream& in,
                     const Rotation& rotation,
                     const std::function<torch::Tensor(const torch::Tensor&)>& attend,
                     const ForwardOptions& options = {});

// The same as decoding wants it, in four products and attention a layer, without gradient: a few
// rows on a GPU (kernels/few_rows.h), of weights whose matrices have contiguous columns, or any on
// the processor, of weights that were packed. Whether they can be, and a layer's x: [T, C].
bool are_few_rows(const Weights& weights, const torch::Tensor& x);
torch::Tensor few_rows_forward(const Weights& weights, std::size_t layer, const torch::Tensor& x,
                               const Rotation& rotation,
                               const std::function<torch::Tensor(const torch::Tensor&)>& attend);

torch::Tensor activate(Activation activation, const torch::Tensor& x);
torch::Tensor apply_norm(const Norm& norm, const torch::Tensor& x, double epsilon);

// Of a layer's first dropout; the second's is the next.
std::uint64_t layer_key(const ForwardOptions& options, std::size_t layer);

// Of a layer's scores.
double score_scale(const ModelConfig& config, std::size_t layer);

}  // namespace model
