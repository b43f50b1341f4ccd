#include "model/language_model.h"

#include <cmath>

#include "base/error.h"

namespace model {
namespace {

bool is_residual_projection(const ModelConfig& config, const std::string& name) {
  const LayerModules layer = layer_modules(config, 0);
  const auto last = [](const Module& module) {
    const std::size_t dot = module.name.rfind('.', module.name.rfind('.') - 1);
    return module.name.substr(dot) + ".weight";
  };
  return name.ends_with(last(layer.attention_out)) || name.ends_with(last(layer.down));
}

torch::Tensor initial_value(const TensorShape& tensor, const ModelConfig& config,
                            std::uint64_t seed) {
  if (tensor.name.ends_with(".bias")) return torch::zeros(tensor.shape);
  if (tensor.shape.size() == 1) return torch::ones(tensor.shape);  // a norm's gain
  const bool residual = is_residual_projection(config, tensor.name);
  const double deviation =
      residual ? .02 / std::sqrt(2. * static_cast<double>(config.layers)) : .02;
  return normal_values(tensor.shape, deviation, {.seed = seed, .stage = tensor.name});
}

}  // namespace

TensorMap LanguageModel::values() const {
  TensorMap all = parameters.values();
  if (adapter) add_prefixed(all, adapter->parameters.values(), "adapter.");
  return all;
}

LanguageModel LanguageModel::copy() const {
  LanguageModel copy = *this;
  copy.trained() = trained().clone();
  if (!adapter) copy.frozen = nullptr;
  return copy;
}

LanguageModel LanguageModel::on(torch::Device device) const {
  LanguageModel out = *this;
  out.parameters = parameters.on(device);
  if (adapter) out.adapter->parameters = adapter->parameters.on(device);
  if (device != this->device()) out.frozen = nullptr;
  return out;
}

torch::Device LanguageModel::device() const {
  return parameters.names().empty() ? torch::Device(torch::kCPU)
                                    : parameters.at(parameters.names()[0]).device();
}

LanguageModel random_model(const ModelConfig& given, std::uint64_t seed) {
  const ModelConfig config = given.complete("model");
  LanguageModel model{config, {}, {}, torch::kFloat32, {}};
  for (const TensorShape& tensor : tensor_shapes(config))
    model.parameters.add(tensor.name, initial_value(tensor, config, seed));
  return model;
}

LanguageModel model_from_tensors(const ModelConfig& given, const TensorMap& tensors,
                                 const std::string& where) {
  const ModelConfig config = given.complete(where);
  return {config, parameters_from(tensor_shapes(config), tensors, where), {}, torch::kFloat32, {}};
}

void attach(LanguageModel& model, Adapter adapter) {
  base::check(!model.adapter, "a model gets one adapter");
  model.parameters.freeze();
  model.adapter = std::move(adapter);
  model.frozen = nullptr;
}

LanguageModel merged(const LanguageModel& model) {
  if (!model.adapter) return model;
  torch::NoGradGuard no_grad;
  const Adapter& adapter = *model.adapter;
  TensorMap tensors = model.parameters.values();
  for (std::int64_t i = 0; i < model.config.layers; ++i) {
    const LayerModules layer = layer_modules(model.config, i);
    for (const Module& module : layer.all()) {
      if (!is_target(adapter.settings, layer, module)) continue;
      const torch::Tensor change =
          adapter.scale() *
          at::mm(adapter.parameters.at(adapter_name(model.config, module, "B")),
                 adapter.parameters.at(adapter_name(model.config, module, "A")));  // [out, in]
      torch::Tensor& weight = tensors[module.name + ".weight"];
      weight = weight + (stores_inputs_first(model.config.family) ? change.t() : change);
    }
  }
  const auto set_rows = [&](const std::string& embedding) {
    torch::Tensor& whole = tensors[embedding];
    whole = whole.clone();
    whole.narrow(0, adapter.first_row, adapter.rows)
        .copy_(adapter.parameters.at(rows_name(model.config, embedding)));
  };
  const OuterNames names = outer_names(model.config.family);
  if (adapter.rows > 0) set_rows(names.embedding);
  if (adapter.rows > 0 && !model.config.tied) set_rows(names.head);
  LanguageModel out = model_from_tensors(model.config, tensors, "merged");
  out.storage = model.storage;
  return out;
}

void extend_vocabulary(LanguageModel& model, std::int64_t size, std::uint64_t seed) {
  base::check(!model.adapter, "a model with an adapter keeps its vocabulary");
  const std::int64_t more = size - model.config.vocabulary;
  if (more <= 0) return;
  torch::NoGradGuard no_grad;
  TensorMap tensors = model.parameters.values();
  const OuterNames names = outer_names(model.config.family);
  const auto extend = [&](const std::string& name) {
    torch::Tensor& rows = tensors[name];
    const torch::Tensor noise =
        normal_values({more, model.config.width}, .1 * rows.std().item<double>(),
                      {.seed = seed, .stage = "vocabulary/" + name});
    rows = at::cat({rows, rows.mean(0, true) + noise});
  };
  extend(names.embedding);
  if (!model.config.tied) extend(names.head);
  ModelConfig config = model.config;
  config.vocabulary = size;
  const torch::Dtype storage = model.storage;
  model = model_from_tensors(config, tensors, "extended");
  model.storage = storage;
}

}  // namespace model
