#include "model/decoder.h"

#include <map>
#include <utility>

#include "base/error.h"
#include "kernels/attention.h"

namespace model {

Decoder::Decoder(const Weights& weights, std::int64_t slots, std::int64_t room)
    : weights_(weights), room_(room) {
  const ModelConfig& config = weights.config;
  base::check(room <= config.positions, "Decoder: room for ", room, " tokens, the model has ",
              config.positions, " positions");
  for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
    keys_.push_back(torch::empty({slots, room, config.key_heads, config.head_width},
                                 weights.embedding.options().requires_grad(false)));
    values_.push_back(torch::empty_like(keys_.back()));
  }
  lengths_.assign(static_cast<std::size_t>(slots), 0);
  for (std::int64_t slot = slots; slot > 0; --slot) free_.push_back(slot - 1);
}

Decoder::Started Decoder::start(const std::vector<std::vector<int>>& prompts) {
  torch::NoGradGuard no_grad;
  base::check(static_cast<std::int64_t>(prompts.size()) <= free_slots(),
              "Decoder: ", prompts.size(), " sequences to start in ", free_slots(), " free slots");
  Started started;
  for (const std::vector<int>& prompt : prompts) {
    base::check(!prompt.empty() && static_cast<std::int64_t>(prompt.size()) <= room_,
                "Decoder: a prompt of ", prompt.size(), " tokens in room for ", room_);
    started.slots.push_back(free_.back());
    free_.pop_back();
  }
  // Equal prompts are worked out once.
  std::map<std::vector<int>, std::size_t> places;
  std::vector<std::vector<int>> different;
  std::vector<std::size_t> place_of;
  for (const std::vector<int>& prompt : prompts) {
    const auto [found, is_new] = places.emplace(prompt, different.size());
    if (is_new) different.push_back(prompt);
    place_of.push_back(found->second);
  }
  const Packed packed = pack(different);
  const auto bounds_of = [&](std::size_t i) {
    return std::pair(packed.bounds[place_of[i]], packed.bounds[place_of[i] + 1]);
  };
  const std::int64_t heads = weights_.config.heads, groups = weights_.config.key_heads;
  ForwardOptions options;
  options.on_qkv = [&](std::size_t layer, const torch::Tensor& qkv) {
    const torch::Tensor parts = qkv.view({qkv.size(0), heads + 2 * groups, -1});
    const torch::Tensor keys = parts.narrow(1, heads, groups),
                        values = parts.narrow(1, heads + groups, groups);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const auto [begin, end] = bounds_of(i);
      const std::int64_t length = end - begin, slot = started.slots[i];
      keys_[layer][slot].narrow(0, 0, length).copy_(keys.narrow(0, begin, length));
      values_[layer][slot].narrow(0, 0, length).copy_(values.narrow(0, begin, length));
    }
  };
  const torch::Tensor hidden = hidden_states(weights_, packed, options);  // [T, C]
  std::vector<std::int64_t> last;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto [begin, end] = bounds_of(i);
    lengths_[static_cast<std::size_t>(started.slots[i])] = end - begin;
    last.push_back(end - 1);
  }
  started.last_hidden = hidden.index_select(0, torch::tensor(last, torch::kInt64));
  return started;
}

torch::Tensor Decoder::append(const std::vector<std::int64_t>& slots,
                              const std::vector<int>& tokens) {
  torch::NoGradGuard no_grad;
  const auto batch = static_cast<std::int64_t>(slots.size());
  const std::int64_t heads = weights_.config.heads, groups = weights_.config.key_heads;
  std::vector<std::int64_t> ids(tokens.begin(), tokens.end()), positions, lengths;
  for (std::int64_t slot : slots) {
    std::int64_t& length = lengths_[static_cast<std::size_t>(slot)];
    base::check(length < room_, "Decoder: slot ", slot, " is full at ", room_, " tokens");
    positions.push_back(length);
    lengths.push_back(++length);
  }
  const torch::Tensor rows = torch::tensor(slots, torch::kInt64),
                      places = torch::tensor(positions, torch::kInt64);
  const Entered entered = enter(weights_, torch::tensor(ids, torch::kInt64), places);
  torch::Tensor x = entered.x;
  for (std::size_t layer = 0; layer < weights_.layers.size(); ++layer) {
    const auto attend = [&](const torch::Tensor& qkv) {
      const torch::Tensor parts = qkv.view({batch, heads + 2 * groups, -1});
      keys_[layer].index_put_({rows, places}, parts.narrow(1, heads, groups));
      values_[layer].index_put_({rows, places}, parts.narrow(1, heads + groups, groups));
      return kernels::decode_attention(parts.narrow(1, 0, heads), keys_[layer], values_[layer],
                                       slots, lengths, score_scale(weights_.config, layer))
          .view({batch, -1});
    };
    x = layer_forward(weights_, layer, x, entered.rotation, attend);
  }
  return apply_norm(weights_.final_norm, x, weights_.config.norm_epsilon);
}

void Decoder::end(std::int64_t slot) {
  lengths_[static_cast<std::size_t>(slot)] = 0;
  free_.push_back(slot);
}

}  // namespace model
