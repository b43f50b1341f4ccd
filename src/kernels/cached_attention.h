#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "kernels/attention.h"

// Attention of one query a row against cached keys and values, for decoding. No gradients.
namespace kernels {

// query: [B, H, D]; keys, values: [S, T, G, D], contiguous, of which row b uses the first
// lengths[b] positions of slots[b]; of length 0 it gives 0. scale: 0: 1 / sqrt(D). Returns
// [B, H, D]. On the processor only. Throws base::Error where D is above 256, or types or layouts
// are others.
torch::Tensor decode_attention(const torch::Tensor& query, const torch::Tensor& keys,
                               const torch::Tensor& values, const std::vector<std::int64_t>& slots,
                               const std::vector<std::int64_t>& lengths, double scale = 0);

// Where rows of a batch stand in a cache, on its device. slots, positions: [B] int32, positions
// counting what is cached before; active: [B] int32, 0 for a row that is left alone.
struct CacheRows {
  torch::Tensor slots, positions, active;
};

// Puts the newest keys and values of qkv [B, (H + 2G) D] at their rows' positions into keys and
// values [S, T, G, D], and attends over all that is there now. Returns [B, H D]; 0 for rows that
// are not active. Throws as above, and on the processor where a place is outside the cache.
torch::Tensor cached_attention(const torch::Tensor& qkv, torch::Tensor keys, torch::Tensor values,
                               const CacheRows& rows, const Heads& heads);

}  // namespace kernels
