#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cached_attention.h"
#include "model/forward.h"

namespace model {

// Sequences that grow a token at a time, each in a slot with its cached keys and values. No
// gradients. A sequence may begin and end at any time; slots are used again.
class Decoder {
 public:
  // Room for `slots` sequences of up to `room` tokens each (at most the model's positions). The
  // weights stay as they are; matrices that are laid out anew for decoding, as those that can be
  // are, stand in memory once more. Prompts are worked out with the given weights in any case.
  // int8 is for the processor and weights without adapters; throws base::Error(usage) elsewhere.
  Decoder(const Weights& weights, std::int64_t slots, std::int64_t room,
          kernels::MatrixNumbers numbers = kernels::MatrixNumbers::computed);

  std::int64_t free_slots() const { return static_cast<std::int64_t>(free_.size()); }
  std::int64_t length(std::int64_t slot) const { return lengths_[static_cast<std::size_t>(slot)]; }
  std::int64_t room() const { return room_; }

  // Starts a sequence for each prompt and returns their slots. Each prompt has at least one token
  // and fits the room; equal ones are worked out once. last_hidden: [B, C], the hidden state after
  // each prompt's last token.
  struct Started {
    std::vector<std::int64_t> slots;
    torch::Tensor last_hidden;
  };
  Started start(const std::vector<std::vector<int>>& prompts);

  // Appends tokens[b] to the sequence in slots[b] and returns the hidden states after them, [B, C].
  torch::Tensor append(const std::vector<std::int64_t>& slots, const std::vector<int>& tokens);

  // The same by what is on the weights' device already, and nothing else: tokens: [B] int32. It can
  // be captured and replayed, and must be told of by advance(). 0 for rows that are not active.
  torch::Tensor step(const torch::Tensor& tokens, const kernels::CacheRows& rows);
  // Tokens that step() appended to a slot's sequence.
  void advance(std::int64_t slot, std::int64_t tokens);

  // Gives the slot back.
  void end(std::int64_t slot);

  const Weights& weights() const { return weights_; }
  kernels::MatrixNumbers numbers() const { return numbers_; }

 private:
  Weights weights_;  // shares what the given weights hold, but for matrices laid out anew
  kernels::MatrixNumbers numbers_;
  std::int64_t room_;
  std::vector<torch::Tensor> keys_, values_;  // a layer: [slots, room, G, D]
  std::vector<std::int64_t> lengths_, free_;
};

}  // namespace model
