#pragma once

#include <cstdint>

#include <torch/types.h>

#include "kernels/cached_attention.h"

namespace kernels {

// Rows that draw their next tokens by themselves, all they need on the device of the logits.
struct DrawState {
  // Of `fields`, in this order.
  enum Field : std::int64_t {
    slot,      // of the cache
    position,  // of `token` in its sequence
    token,     // that is appended next
    active,    // 0: the row is left alone
    end,       // the token after which nothing is drawn
    other,     // a token beside the rows that may be drawn; until it is, `end` may not; -1: none
    step,      // tokens drawn so far
    pause,     // how many are drawn before it is left alone
    limit,     // how many may be: at least `pause`; the last is `other` where it has not come yet
    kFields,
  };
  torch::Tensor fields;        // [kFields, B] int32
  torch::Tensor temperatures;  // [B] float; 0: the likeliest token
  torch::Tensor uniforms;      // [B, most] double, in [0, 1): one a step
  torch::Tensor tokens;        // [B, most] int32: drawn
  torch::Tensor log_probs;     // [B, most] double: theirs, in nats, of what was drawn from

  torch::Tensor field(Field which) const { return fields.select(0, which); }  // [B]
  CacheRows cache_rows() const { return {field(slot), field(position), field(active)}; }
};

DrawState empty_state(std::int64_t batch, std::int64_t most, torch::Device device);

// Every active row draws one token (kernels/sampling.h) from its logits [B, V] and, where it may
// draw another, from that one's logit, hidden [B, C] times its row of head [N, C]; notes it, and
// goes on to its next position or ends.
void draw_step(const torch::Tensor& logits, const torch::Tensor& hidden, const torch::Tensor& head,
               DrawState& state);

}  // namespace kernels
