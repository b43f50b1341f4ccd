#include "pipeline/memory.h"

#include <algorithm>

#include "model/layout.h"

namespace pipeline {
namespace {

// Kept for the backward pass, in bf16: the inputs of norms, products and activations, and what the
// gradients need beside them.
double activations(const ModelSize& size, double tokens) {
  return tokens * size.layers * 2 * (24 * size.width + 4 * size.inner);
}

double cast(const ModelSize& size) { return 2 * size.weights; }
double stored(const ModelSize& size) { return 4 * size.weights; }
// The cast weights, and their matrices once more as decoding has them.
double decoding(const ModelSize& size) { return 2 * cast(size); }
double cache(const ModelSize& size, double replies, double context) {
  return 2 * 2 * replies * context * size.layers * size.key_width;
}
// Gradients and two moments.
double optimiser(const ModelSize& size) { return 12 * size.trained; }

}  // namespace

ModelSize size_of(model::ModelConfig config, const model::LoraSettings& lora, double vocabulary,
                  double added) {
  config.vocabulary = std::max(config.vocabulary, static_cast<std::int64_t>(vocabulary));
  config = config.complete("model");
  ModelSize size;
  for (const model::TensorShape& tensor : model::tensor_shapes(config)) {
    double numbers = 1;
    for (std::int64_t length : tensor.shape) numbers *= static_cast<double>(length);
    size.weights += numbers;
  }
  size.layers = static_cast<double>(config.layers);
  size.width = static_cast<double>(config.width);
  size.inner = static_cast<double>(config.inner) * (config.gated ? 2 : 1);
  size.key_width = static_cast<double>(config.key_heads * config.head_width);
  size.adapter = lora.rank > 0;
  size.trained = size.weights;
  if (!size.adapter) return size;
  size.trained = added * size.width * (config.tied ? 1 : 2);
  const model::LayerModules layer = model::layer_modules(config, 0);
  for (const model::Module& module : layer.all())
    if (model::is_target(lora, layer, module))
      size.trained += size.layers * lora.rank * static_cast<double>(module.in + module.out);
  return size;
}

double serving_memory(const ModelSize& size, double slots, double context) {
  return stored(size) + (slots > 0 ? decoding(size) : cast(size)) + cache(size, slots, context);
}

double sft_memory(const ModelSize& size, double batch_tokens) {
  const double best = 4 * size.trained;
  return stored(size) + optimiser(size) + best + cast(size) + activations(size, batch_tokens);
}

double scorer_memory(const ModelSize& size, double batch_tokens) {
  const double own = 4 * size.trained;  // beside the SFT model that it starts from
  return sft_memory(size, batch_tokens) + own;
}

double critic_memory(const ModelSize& size, double minibatch, double context) {
  const double own = 4 * size.trained, frozen = size.adapter ? 0 : cast(size);  // or the policy's
  return own + optimiser(size) + frozen + activations(size, minibatch * context);
}

double rl_memory(const ModelSize& size, double replies, double minibatch, double context) {
  const double policy = 4 * size.trained, merged = size.adapter ? stored(size) : 0,
               sampler = merged + decoding(size) + cache(size, replies, context);
  return stored(size) + policy + optimiser(size) + 2 * cast(size) + sampler +
         activations(size, minibatch * context);
}

}  // namespace pipeline
