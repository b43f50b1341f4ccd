#include "model/decoder.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "kernels/cached_attention.h"

namespace model {
namespace {

std::vector<Projection*> projections(Weights& weights) {
  std::vector<Projection*> all;
  for (Weights::Layer& layer : weights.layers)
    all.insert(all.end(), {&layer.qkv, &layer.attention_out, &layer.up, &layer.down});
  return all;
}

// With matrices as products of a few rows want them: with contiguous columns on a GPU, packed on
// the processor where all of them can be.
Weights laid_out(Weights weights, kernels::MatrixNumbers numbers) {
  torch::NoGradGuard no_grad;
  const std::vector<Projection*> all = projections(weights);
  const bool packs = std::all_of(all.begin(), all.end(), [&](const Projection* one) {
    return one->adapters.empty() && kernels::PackedMatrix::takes(one->weight, numbers);
  });
  if (numbers == kernels::MatrixNumbers::int8 && weights.embedding.is_cuda())
    throw base::UsageError("weights in int8 are for the processor, but the model is on a GPU");
  if (numbers == kernels::MatrixNumbers::int8 && !packs)
    throw base::UsageError("weights in int8 are for models whose adapters are merged");
  for (Projection* one : all)
    if (one->weight.is_cuda())
      one->weight = one->weight.t().contiguous().t();
    else if (packs)
      one->packed = kernels::PackedMatrix(one->weight, numbers);
  return weights;
}

}  // namespace

Decoder::Decoder(const Weights& weights, std::int64_t slots, std::int64_t room,
                 kernels::MatrixNumbers numbers)
    : weights_(laid_out(weights, numbers)), numbers_(numbers), room_(room) {
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
    started.slots.push_back(free_[free_.size() - 1 - started.slots.size()]);
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
  // Which packed rows go to which places of the cache.
  std::vector<std::int64_t> from, to;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto [begin, end] = bounds_of(i);
    for (std::int64_t row = begin; row < end; ++row) {
      from.push_back(row);
      to.push_back(started.slots[i] * room_ + row - begin);
    }
  }
  const torch::Device device = weights_.embedding.device();
  const torch::Tensor rows = torch::tensor(from, torch::kInt64).to(device),
                      cells = torch::tensor(to, torch::kInt64).to(device);
  options.on_qkv = [&](std::size_t layer, const torch::Tensor& qkv) {
    const torch::Tensor parts = qkv.view({qkv.size(0), heads + 2 * groups, -1});
    keys_[layer].flatten(0, 1).index_copy_(0, cells,
                                           parts.narrow(1, heads, groups).index_select(0, rows));
    values_[layer].flatten(0, 1).index_copy_(
        0, cells, parts.narrow(1, heads + groups, groups).index_select(0, rows));
  };
  std::vector<std::int64_t> last;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto [begin, end] = bounds_of(i);
    lengths_[static_cast<std::size_t>(started.slots[i])] = end - begin;
    last.push_back(end - 1);
  }
  options.rows = torch::tensor(last, torch::kInt64).to(device);
  started.last_hidden = hidden_states(weights_, packed, options);
  free_.resize(free_.size() - prompts.size());  // after all that may throw
  return started;
}

torch::Tensor Decoder::append(const std::vector<std::int64_t>& slots,
                              const std::vector<int>& tokens) {
  torch::NoGradGuard no_grad;
  std::vector<int> positions;
  for (std::int64_t slot : slots) {
    const std::int64_t length = lengths_[static_cast<std::size_t>(slot)];
    base::check(length < room_, "Decoder: slot ", slot, " is full at ", room_, " tokens");
    positions.push_back(static_cast<int>(length));
    advance(slot, 1);
  }
  const auto placed = [&](const std::vector<int>& values) {
    return torch::tensor(values, torch::kInt32).to(weights_.embedding.device());
  };
  return step(placed(tokens), {placed({slots.begin(), slots.end()}), placed(positions),
                               placed(std::vector<int>(slots.size(), 1))});
}

torch::Tensor Decoder::step(const torch::Tensor& tokens, const kernels::CacheRows& rows) {
  torch::NoGradGuard no_grad;
  const ModelConfig& config = weights_.config;
  auto [stream, rotation] = enter(weights_, tokens, rows.positions);
  const bool few = are_few_rows(weights_, stream.x);
  for (std::size_t layer = 0; layer < weights_.layers.size(); ++layer) {
    const auto attend = [&](const torch::Tensor& qkv) {
      return kernels::cached_attention(
          qkv, keys_[layer], values_[layer], rows,
          {config.heads, config.key_heads, score_scale(config, layer)});
    };
    if (few)
      stream.x = few_rows_forward(weights_, layer, stream.x, rotation, attend);
    else
      stream = layer_forward(weights_, layer, stream, rotation, attend);
  }
  return few ? apply_norm(weights_.final_norm, stream.x, config.norm_epsilon) : stream.normed;
}

void Decoder::advance(std::int64_t slot, std::int64_t tokens) {
  lengths_[static_cast<std::size_t>(slot)] += tokens;
}

void Decoder::end(std::int64_t slot) {
  lengths_[static_cast<std::size_t>(slot)] = 0;
  free_.push_back(slot);
}

}  // namespace model
