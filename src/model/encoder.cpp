#include "model/encoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/files.h"
#include "model/weights.h"

namespace model {
namespace {

constexpr std::int64_t kBatchTokens = 4096;

// A checkpoint's tensors by their names without the prefix; each is taken once.
class Tensors {
 public:
  Tensors(TensorMap tensors, const std::string& prefix, std::string where)
      : where_(std::move(where)) {
    for (auto& [name, tensor] : tensors) {
      std::string bare = name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : name;
      for (const auto& [old, current] : {std::pair{".gamma", ".weight"}, {".beta", ".bias"}})
        if (bare.ends_with(std::string("LayerNorm") + old))
          bare = bare.substr(0, bare.rfind('.')) + current;
      if (!tensors_.emplace(bare, tensor).second)
        throw base::Error(base::ErrorKind::data, where_ + ": holds the tensor " + bare + " twice");
    }
  }

  bool has(const std::string& name) const { return tensors_.count(name) > 0; }

  torch::Tensor get(const std::string& name, const std::vector<std::int64_t>& shape) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end())
      throw base::Error(base::ErrorKind::data, where_ + ": the tensor " + name + " is missing");
    if (!found->second.is_floating_point())
      throw base::Error(base::ErrorKind::data,
                        where_ + ": the tensor " + name + " holds no floating-point numbers");
    if (found->second.sizes() != c10::IntArrayRef(shape))
      throw base::Error(base::ErrorKind::data,
                        base::concatenate(where_, ": tensor ", name, " is ", found->second.sizes(),
                                          ", expected ", c10::IntArrayRef(shape)));
    return found->second.to(torch::kFloat32);
  }

  Norm norm(const std::string& name, std::int64_t width) const {
    return {get(name + ".weight", {width}), get(name + ".bias", {width})};
  }

  // Linear modules that read the same input, as one.
  Projection projection(const std::vector<std::string>& names, std::int64_t in,
                        std::int64_t out) const {
    std::vector<torch::Tensor> weights, biases;
    for (const std::string& name : names) {
      weights.push_back(get(name + ".weight", {out, in}));
      biases.push_back(get(name + ".bias", {out}));
    }
    Projection projection;
    projection.weight = (weights.size() == 1 ? weights[0] : at::cat(weights)).t();
    projection.bias = biases.size() == 1 ? biases[0] : at::cat(biases);
    return projection;
  }

 private:
  std::string where_;
  TensorMap tensors_;
};

torch::Tensor project(const Projection& projection, const torch::Tensor& x) {
  return at::addmm(projection.bias, x, projection.weight);
}

// Every token sees its whole segment. qkv: [T, 3C]; returns [T, C].
torch::Tensor attend(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                     std::int64_t heads) {
  const std::int64_t width = qkv.size(1) / 3;
  torch::Tensor out = torch::empty({qkv.size(0), width}, qkv.options());
  for (std::size_t i = 0; i + 1 < bounds.size();) {
    const std::int64_t begin = bounds[i], length = bounds[i + 1] - begin;
    std::int64_t segments = 0;  // of this length, one after the other
    while (i + 1 < bounds.size() && bounds[i + 1] - bounds[i] == length) ++segments, ++i;
    const torch::Tensor parts = qkv.narrow(0, begin, segments * length)
                                    .view({segments, length, 3, heads, width / heads})
                                    .permute({2, 0, 3, 1, 4});  // [3, S, H, t, D]
    out.narrow(0, begin, segments * length)
        .view({segments, length, heads, width / heads})
        .copy_(at::scaled_dot_product_attention(parts[0], parts[1], parts[2]).transpose(1, 2));
  }
  return out;
}

}  // namespace

Encoder::Encoder(const std::filesystem::path& folder)
    : config_(parse_encoder_config(base::read_json(folder / "config.json"),
                                   (folder / "config.json").string())) {
  const Tensors tensors(read_weights(folder).tensors, config_.roberta ? "roberta." : "bert.",
                        folder.string());
  const std::int64_t c = config_.width;
  words_ = tensors.get("embeddings.word_embeddings.weight", {config_.vocabulary, c});
  positions_ = tensors.get("embeddings.position_embeddings.weight", {config_.positions, c});
  types_ = tensors.get("embeddings.token_type_embeddings.weight", {config_.token_types, c});
  embedding_norm_ = tensors.norm("embeddings.LayerNorm", c);
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    const std::string at = base::concatenate("encoder.layer.", i, "."),
                      self = at + "attention.self.";
    layers_.push_back({tensors.projection({self + "query", self + "key", self + "value"}, c, c),
                       tensors.projection({at + "attention.output.dense"}, c, c),
                       tensors.projection({at + "intermediate.dense"}, c, config_.inner),
                       tensors.projection({at + "output.dense"}, config_.inner, c),
                       tensors.norm(at + "attention.output.LayerNorm", c),
                       tensors.norm(at + "output.LayerNorm", c)});
  }
  const auto labels = static_cast<std::int64_t>(config_.labels.size());
  if (config_.roberta && tensors.has("classifier.out_proj.weight")) {
    pooler_ = tensors.projection({"classifier.dense"}, c, c);
    classifier_ = tensors.projection({"classifier.out_proj"}, c, labels);
  } else if (!config_.roberta && tensors.has("classifier.weight")) {
    pooler_ = tensors.projection({"pooler.dense"}, c, c);
    classifier_ = tensors.projection({"classifier"}, c, labels);
  }
}

torch::Tensor Encoder::hidden_states(const Packed& packed) const {
  torch::NoGradGuard no_grad;
  std::vector<std::int64_t> positions;
  for (std::size_t i = 0; i + 1 < packed.bounds.size(); ++i) {
    const std::int64_t length = packed.bounds[i + 1] - packed.bounds[i];
    base::check(length <= config_.longest(), "an encoder of ", config_.longest(),
                " tokens cannot read ", length);
    for (std::int64_t p = 0; p < length; ++p) positions.push_back(config_.first_position + p);
  }
  torch::Tensor x = apply_norm(embedding_norm_,
                               at::embedding(words_, packed.ids) +
                                   at::embedding(positions_, torch::tensor(positions)) + types_[0],
                               config_.norm_epsilon);  // [T, C]
  for (const Layer& layer : layers_) {
    const torch::Tensor mixed =
        project(layer.attention_out, attend(project(layer.qkv, x), packed.bounds, config_.heads));
    x = apply_norm(layer.attention_norm, x + mixed, config_.norm_epsilon);
    const torch::Tensor inner = activate(config_.activation, project(layer.up, x));
    x = apply_norm(layer.output_norm, x + project(layer.down, inner), config_.norm_epsilon);
  }
  return x;
}

torch::Tensor Encoder::mean_states(const Packed& packed) const {
  const torch::Tensor states = hidden_states(packed);
  std::vector<torch::Tensor> means;
  for (std::size_t i = 0; i + 1 < packed.bounds.size(); ++i)
    means.push_back(
        states.narrow(0, packed.bounds[i], packed.bounds[i + 1] - packed.bounds[i]).mean(0));
  return at::stack(means);
}

torch::Tensor Encoder::logits(const Packed& packed) const {
  const torch::Tensor firsts =
      torch::tensor(std::vector<std::int64_t>(packed.bounds.begin(), packed.bounds.end() - 1));
  const torch::Tensor first = hidden_states(packed).index_select(0, firsts);  // [n, C]
  return project(classifier_, at::tanh(project(pooler_, first)));
}

torch::Tensor Encoder::in_batches(const std::vector<std::vector<int>>& texts, std::int64_t width,
                                  torch::Tensor (Encoder::*read)(const Packed&) const) const {
  torch::NoGradGuard no_grad;
  torch::Tensor out = torch::empty({static_cast<std::int64_t>(texts.size()), width});
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return texts[a].size() > texts[b].size(); });
  for (std::size_t begin = 0; begin < order.size();) {
    std::vector<std::vector<int>> batch;
    std::vector<std::int64_t> rows;
    std::int64_t tokens = 0;
    for (; begin < order.size(); ++begin) {
      const std::vector<int>& text = texts[order[begin]];
      base::check(!text.empty(), "an encoder reads at least one token");
      tokens += static_cast<std::int64_t>(text.size());
      if (!batch.empty() && tokens > kBatchTokens) break;
      batch.push_back(text);
      rows.push_back(static_cast<std::int64_t>(order[begin]));
    }
    out.index_copy_(0, torch::tensor(rows), (this->*read)(pack(batch)));
  }
  return out;
}

torch::Tensor Encoder::embed(const std::vector<std::vector<int>>& texts) const {
  return in_batches(texts, config_.width, &Encoder::mean_states);
}

torch::Tensor Encoder::classify(const std::vector<std::vector<int>>& texts) const {
  base::check(is_classifier(), "this encoder is no classifier");
  return in_batches(texts, static_cast<std::int64_t>(config_.labels.size()), &Encoder::logits);
}

}  // namespace model
