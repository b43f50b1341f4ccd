#pragma once

#include "model/config.h"
#include "model/lora.h"
#include "train/sft.h"

namespace pipeline {

// What a language model asks of memory, in bytes: sums of what each stage holds at once, with
// matrix products in bf16. Measured peaks lie near them (docs/numerics.md).
struct ModelSize {
  double weights = 0;  // numbers in all
  double trained = 0;  // of them, or beside them, numbers that are trained
  double layers = 0, width = 0, inner = 0, key_width = 0;
  bool adapter = false;
};

// Of a model whose vocabulary grows to `vocabulary` tokens, the last `added` of them new.
ModelSize size_of(model::ModelConfig config, const model::LoraSettings& lora, double vocabulary,
                  double added);

// Of a model that writes `slots` replies side by side, of `context` tokens; 0: that only reads.
double serving_memory(const ModelSize& size, double slots, double context);
double sft_memory(const ModelSize& size, double batch_tokens);
// Of a language model as reward, on its own.
double scorer_memory(const ModelSize& size, double batch_tokens);
// `replies` sampled side by side and `minibatch` of them learned from at once, of `context` tokens.
double rl_memory(const ModelSize& size, double replies, double minibatch, double context);
// Of a critic apart, beside the policy.
double critic_memory(const ModelSize& size, double minibatch, double context);

}  // namespace pipeline
