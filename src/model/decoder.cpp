#include "model/decoder.h"

#include "base/error.h"
#include "kernels/attention.h"

namespace model {

Decoder::Decoder(const Gpt2Weights& weights, std::int64_t slots, std::int64_t room)
    : weights_(weights), room_(room) {
  base::check(room <= weights.config.n_positions, "Decoder: room for ", room,
              " tokens, the model has ", weights.config.n_positions, " positions");
  const std::int64_t heads = weights.config.n_head, width = weights.config.n_embd / heads;
  for (std::size_t layer = 0; layer < weights.layers.size(); ++layer) {
    keys_.push_back(
        torch::empty({slots, room, heads, width}, weights.wte.options().requires_grad(false)));
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
  const Packed packed = pack(prompts);
  const std::int64_t heads = weights_.config.n_head, width = weights_.config.n_embd / heads;
  ForwardOptions options;
  options.on_qkv = [&](std::size_t layer, const torch::Tensor& qkv) {
    const torch::Tensor parts = qkv.view({qkv.size(0), 3, heads, width});
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const std::int64_t begin = packed.bounds[i], length = packed.bounds[i + 1] - begin,
                         slot = started.slots[i];
      keys_[layer][slot].narrow(0, 0, length).copy_(parts.narrow(0, begin, length).select(1, 1));
      values_[layer][slot].narrow(0, 0, length).copy_(parts.narrow(0, begin, length).select(1, 2));
    }
  };
  const torch::Tensor hidden = hidden_states(weights_, packed, options);  // [T, C]
  std::vector<std::int64_t> last;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    lengths_[static_cast<std::size_t>(started.slots[i])] = packed.bounds[i + 1] - packed.bounds[i];
    last.push_back(packed.bounds[i + 1] - 1);
  }
  started.last_hidden = hidden.index_select(0, torch::tensor(last, torch::kInt64));
  return started;
}

torch::Tensor Decoder::append(const std::vector<std::int64_t>& slots,
                              const std::vector<int>& tokens) {
  torch::NoGradGuard no_grad;
  const auto batch = static_cast<std::int64_t>(slots.size());
  const std::int64_t heads = weights_.config.n_head, width = weights_.config.n_embd / heads;
  std::vector<std::int64_t> ids(tokens.begin(), tokens.end()), positions, lengths;
  for (std::int64_t slot : slots) {
    std::int64_t& length = lengths_[static_cast<std::size_t>(slot)];
    base::check(length < room_, "Decoder: slot ", slot, " is full at ", room_, " tokens");
    positions.push_back(length);
    lengths.push_back(++length);
  }
  const torch::Tensor rows = torch::tensor(slots, torch::kInt64),
                      places = torch::tensor(positions, torch::kInt64);
  torch::Tensor x = at::embedding(weights_.wte, torch::tensor(ids, torch::kInt64)) +
                    at::embedding(weights_.wpe, places);
  for (std::size_t layer = 0; layer < weights_.layers.size(); ++layer) {
    const auto attend = [&](const torch::Tensor& qkv) {
      const torch::Tensor parts = qkv.view({batch, 3, heads, width});
      keys_[layer].index_put_({rows, places}, parts.select(1, 1));
      values_[layer].index_put_({rows, places}, parts.select(1, 2));
      return kernels::decode_attention(parts.select(1, 0), keys_[layer], values_[layer], slots,
                                       lengths)
          .view({batch, heads * width});
    };
    x = layer_forward(weights_, layer, x, attend);
  }
  return at::layer_norm(x, {weights_.config.n_embd}, weights_.ln_f_weight, weights_.ln_f_bias,
                        weights_.config.layer_norm_epsilon);
}

void Decoder::end(std::int64_t slot) {
  lengths_[static_cast<std::size_t>(slot)] = 0;
  free_.push_back(slot);
}

}  // namespace model
