#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "kernels/compute.h"

namespace kernels {

// Causal self-attention over packed sequences: each token sees the earlier tokens of its own
// segment and itself. qkv: [T, 3C], queries, keys and values side by side as in GPT-2's c_attn.
// bounds: the segments' first tokens and T at the end, e.g. {0, 3, 7} for segments of 3 and 4
// tokens. Scores are scaled by 1/sqrt(D). Returns [T, C]; differentiable.
torch::Tensor attention(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                        std::int64_t heads, Backend backend = Backend::native);

// One query a row against cached keys and values, for decoding. query: [B, H, D]; keys, values: [S,
// T, H, D], of which row b uses the first lengths[b] positions of slots[b]. Returns [B, H, D]. No
// gradient. D is at most 256.
torch::Tensor decode_attention(const torch::Tensor& query, const torch::Tensor& keys,
                               const torch::Tensor& values, const std::vector<std::int64_t>& slots,
                               const std::vector<std::int64_t>& lengths);

}  // namespace kernels
