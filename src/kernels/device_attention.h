#pragma once

#include "kernels/cached_attention.h"

// Attention on a GPU: what kernels/attention.h gives to it.
namespace kernels {

struct Segments::OnDevice {
  torch::Tensor query_ends, key_ends;  // [S + 1] int32, cumulated tokens: its own; with its prefix
  std::int64_t most_queries = 0, most_keys = 0;  // of a segment
  torch::Tensor seen;  // int64, what each segment sees, as rows; undefined: its own in order
};
std::shared_ptr<const Segments::OnDevice> on_device(const Segments& segments, torch::Device device);

// Whether libtorch's fused attention takes heads of this width and type.
bool can_fuse(const torch::Tensor& qkv, std::int64_t width);

// Of checked arguments, heads.keys and heads.scale given. Differentiable.
torch::Tensor fused_attention(const torch::Tensor& qkv, const Segments& segments,
                              const Heads& heads);

torch::Tensor device_cached_attention(const torch::Tensor& qkv, torch::Tensor keys,
                                      torch::Tensor values, const CacheRows& rows,
                                      const Heads& heads);

}  // namespace kernels
