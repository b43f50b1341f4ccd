#pragma once

#include "kernels/attention.h"
#include "model/forward.h"

namespace model {

// Whether all layers are GPT-2's: layer norms, biases, GELU by its tanh form, no gates, rotations
// or adapters, in fp32 or bf16, on the processor.
bool has_gpt2_layers(const Weights& weights);

// One of them, forward and backward by hand on the kernels, for such weights in the type of x: [T,
// C]. The same function of its arguments as layer_forward (model/forward.h) over attention in these
// segments, with the same dropout, but for rounding.
torch::Tensor gpt2_layer(const Weights& weights, std::size_t layer, const torch::Tensor& x,
                         const kernels::Segments& segments, const ForwardOptions& options);

}  // namespace model
