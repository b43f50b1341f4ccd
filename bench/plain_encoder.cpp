#include "plain_encoder.h"

#include <map>

namespace bench {

torch::Tensor PlainEncoder::linear(const torch::Tensor& x, const std::string& name) const {
  return at::linear(x, at(name + ".weight"), at(name + ".bias"));
}

torch::Tensor PlainEncoder::norm(const torch::Tensor& x, const std::string& name) const {
  return at::layer_norm(x, {config_.width}, at(name + ".LayerNorm.weight"),
                        at(name + ".LayerNorm.bias"), config_.norm_epsilon);
}

// x: [B, T, C].
torch::Tensor PlainEncoder::attend(const torch::Tensor& x, const std::string& layer) const {
  const auto heads = [&](const char* name) {
    return linear(x, layer + "attention.self." + name)
        .view({x.size(0), x.size(1), config_.heads, -1})
        .transpose(1, 2);  // [B, H, T, D]
  };
  const torch::Tensor mixed =
      at::scaled_dot_product_attention(heads("query"), heads("key"), heads("value"));
  return linear(mixed.transpose(1, 2).reshape(x.sizes()), layer + "attention.output.dense");
}

// ids: [B, T]; returns [B, labels].
torch::Tensor PlainEncoder::logits(const torch::Tensor& ids) const {
  const std::string embeddings = "roberta.embeddings";
  torch::Tensor x = at::embedding(at(embeddings + ".word_embeddings.weight"), ids) +
                    at(embeddings + ".position_embeddings.weight")
                        .narrow(0, config_.first_position, ids.size(1)) +
                    at(embeddings + ".token_type_embeddings.weight")[0];
  x = norm(x, embeddings);  // [B, T, C]
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    const std::string layer = "roberta.encoder.layer." + std::to_string(i) + ".";
    x = norm(x + attend(x, layer), layer + "attention.output");
    const torch::Tensor inner = at::gelu(linear(x, layer + "intermediate.dense"));
    x = norm(x + linear(inner, layer + "output.dense"), layer + "output");
  }
  return linear(at::tanh(linear(x.select(1, 0), "classifier.dense")), "classifier.out_proj");
}

torch::Tensor PlainEncoder::classify(const std::vector<std::vector<int>>& texts,
                                     std::int64_t batch_tokens) const {
  torch::NoGradGuard no_grad;
  std::map<std::size_t, std::vector<std::int64_t>> by_length;
  for (std::size_t i = 0; i < texts.size(); ++i)
    by_length[texts[i].size()].push_back(static_cast<std::int64_t>(i));
  torch::Tensor out = torch::empty(
      {static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(config_.labels.size())});
  for (const auto& [length, rows] : by_length) {
    const auto t = static_cast<std::int64_t>(length),
               most = std::max<std::int64_t>(1, batch_tokens / t);
    for (const torch::Tensor& chunk : torch::tensor(rows).split(most)) {
      std::vector<std::vector<int>> batch;
      for (std::int64_t i = 0; i < chunk.size(0); ++i)
        batch.push_back(texts[static_cast<std::size_t>(chunk.data_ptr<std::int64_t>()[i])]);
      out.index_copy_(0, chunk, logits(model::pack(batch).ids.view({chunk.size(0), t})));
    }
  }
  return out;
}

}  // namespace bench
