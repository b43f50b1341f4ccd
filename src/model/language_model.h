#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "model/config.h"
#include "model/lora.h"
#include "model/parameters.h"

namespace model {

struct Weights;

// A decoder's weights, under the names and in the layout of its family's checkpoints
// (model/layout.h), fp32.
struct LanguageModel {
  ModelConfig config;
  ParameterSet parameters;
  // Where there is one, only it is trained; `parameters` are frozen, and copies share them.
  std::optional<Adapter> adapter;
  torch::Dtype storage = torch::kFloat32;  // of the file it came from, or will be written as

  // What an optimiser changes: the adapter's parameters, or all.
  ParameterSet& trained() { return adapter ? adapter->parameters : parameters; }
  const ParameterSet& trained() const { return adapter ? adapter->parameters : parameters; }

  // Every weight by name, in shared memory.
  TensorMap values() const;

  // A model with trained parameters of its own.
  LanguageModel copy() const;

  // The same model on a device, where everything is then computed: itself where it is there, else
  // with parameters of its own.
  LanguageModel on(torch::Device device) const;
  torch::Device device() const;

  // Of the frozen weights, made by the first cast and kept (model/forward.h).
  mutable std::shared_ptr<const Weights> frozen;
};

// Random weights as GPT-2 starts: N(0, .02), residual projections divided by sqrt(2 layers), a
// function of the seed.
LanguageModel random_model(const ModelConfig& config, std::uint64_t seed);

// A model of that shape whose parameters are these tensors themselves where they are fp32, else
// their values. Names have no prefix. Throws base::Error(data), starting with `where`, where a
// tensor is missing, extra, misshapen or no floating-point one.
LanguageModel model_from_tensors(const ModelConfig& config, const TensorMap& tensors,
                                 const std::string& where);

// Freezes the model's weights beside an adapter of its own.
void attach(LanguageModel& model, Adapter adapter);

// The same model with the adapter's part added into the weights, and no adapter. Shares what the
// adapter does not touch.
LanguageModel merged(const LanguageModel& model);

// Grows the vocabulary to `size` tokens, if it is smaller. New rows start at the mean of the old
// ones, with a tenth of their deviation as noise, a function of the seed. Not with an adapter.
void extend_vocabulary(LanguageModel& model, std::int64_t size, std::uint64_t seed);

}  // namespace model
