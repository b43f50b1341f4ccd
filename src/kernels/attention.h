#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <torch/types.h>

#include "kernels/compute.h"

namespace kernels {

// Which heads there are. H query heads share G heads of keys and values, H / G each, in order
// (grouped-query attention; Ainslie et al. 2023); with G = H each has its own.
struct Heads {
  std::int64_t queries = 1;  // H
  std::int64_t keys = 0;     // G, divides H; 0: H
  double scale = 0;          // of the scores; 0: 1 / sqrt(D)

  double scale_at(std::int64_t width) const;  // of heads so wide
};

// Packed sequences. A sequence is a segment, or a segment and behind it another: replies to one
// prompt, say, each behind the same segment.
struct Segments {
  std::vector<std::int64_t> bounds;  // first tokens, and T at the end: {0, 3, 7} for 3 and 4 tokens
  // One a segment: the segment whose tokens come before its own, or -1. It stands behind none
  // itself. Empty: each segment is a sequence.
  std::vector<std::int64_t> prefix = {};
  // What a GPU needs of them, made once for all layers by place(); without it each call makes it.
  struct OnDevice;
  std::shared_ptr<const OnDevice> on_device = {};

  std::int64_t length(std::int64_t segment) const;  // tokens of its own
  std::int64_t before(std::int64_t segment) const;  // tokens of its prefix; 0 where it has none
};

// The same segments, ready for a device; on the processor nothing is made ready.
Segments place(Segments segments, torch::Device device);

// Causal self-attention over packed sequences: each token sees the earlier tokens of its own
// segment and itself, and all of the prefix where the segment has one. qkv: [T, (H + 2G) D],
// queries, keys and values side by side as in GPT-2's c_attn. Returns [T, H D]; differentiable.
// Throws base::Error where shapes differ or a prefix is none. On a GPU bf16 heads of a width that 8
// divides go to libtorch's fused attention, anything else to the reference.
torch::Tensor attention(const torch::Tensor& qkv, const Segments& segments, const Heads& heads,
                        Backend backend = default_backend());
// Of segments that are sequences each.
torch::Tensor attention(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                        const Heads& heads, Backend backend = default_backend());

// The same forward and backward by hand, for who records the gradient in another way. qkv and
// by_out [T, H D] are contiguous; `saved` is for the backward pass alone.
struct AttentionPass {
  torch::Tensor out;  // [T, H D]
  std::vector<torch::Tensor> saved;
};
AttentionPass attention_forward(const torch::Tensor& qkv, const Segments& segments,
                                const Heads& heads);
torch::Tensor attention_backward(const torch::Tensor& by_out, const torch::Tensor& qkv,
                                 const std::vector<torch::Tensor>& saved, const Segments& segments,
                                 const Heads& heads);

}  // namespace kernels
