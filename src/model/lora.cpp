#include "model/lora.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace model {
namespace {

torch::Tensor uniform_values(const std::vector<std::int64_t>& shape, double limit,
                             const base::RandomPlace& place) {
  torch::Tensor value = torch::empty(shape, torch::kFloat32);
  base::Random random(place);
  float* numbers = value.data_ptr<float>();
  for (std::int64_t i = 0; i < value.numel(); ++i)
    numbers[i] = static_cast<float>(limit * (2 * random.uniform() - 1));
  return value;
}

bool ends_with_part(const std::string& name, const std::string& part) {
  return name == part || name.ends_with("." + part);
}

// A and B of every module that the settings name.
std::vector<TensorShape> low_rank_shapes(const ModelConfig& config, const LoraSettings& settings) {
  std::vector<TensorShape> shapes;
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const LayerModules layer = layer_modules(config, i);
    for (const Module& module : layer.all()) {
      if (!is_target(settings, layer, module)) continue;
      shapes.push_back({adapter_name(config, module, "A"), {settings.rank, module.in}});
      shapes.push_back({adapter_name(config, module, "B"), {module.out, settings.rank}});
    }
  }
  return shapes;
}

// The tables of one row a token that an adapter holds rows of.
std::vector<std::string> row_tables(const ModelConfig& config, std::int64_t rows) {
  const OuterNames names = outer_names(config.family);
  if (rows == 0) return {};
  if (config.tied) return {names.embedding};
  return {names.embedding, names.head};
}

}  // namespace

Adapter new_adapter(const ModelConfig& config, const ParameterSet& base,
                    const LoraSettings& settings, std::int64_t first_row, std::int64_t rows,
                    std::uint64_t seed) {
  if (settings.rank < 1)
    throw base::UsageError("an adapter of rank ", settings.rank, ", expected at least 1");
  if (const auto unknown = unknown_target(config, settings))
    throw base::UsageError("lora.targets: no module of a ", family_name(config.family),
                           " model is called \"", *unknown, "\"");
  Adapter adapter{settings, first_row, rows, {}, {}};
  for (const TensorShape& tensor : low_rank_shapes(config, settings))
    adapter.parameters.add(
        tensor.name,
        tensor.name.ends_with(".lora_A.weight")
            ? uniform_values(tensor.shape, 1 / std::sqrt(static_cast<double>(tensor.shape[1])),
                             {.seed = seed, .stage = tensor.name})
            : torch::zeros(tensor.shape));
  for (const std::string& name : row_tables(config, rows))
    adapter.parameters.add(rows_name(config, name),
                           base.at(name).detach().narrow(0, first_row, rows).clone());
  return adapter;
}

std::vector<TensorShape> adapter_shapes(const ModelConfig& config, const LoraSettings& settings,
                                        std::int64_t rows) {
  std::vector<TensorShape> shapes = low_rank_shapes(config, settings);
  for (const std::string& name : row_tables(config, rows))
    shapes.push_back({rows_name(config, name), {rows, config.width}});
  return shapes;
}

std::optional<std::string> unknown_target(const ModelConfig& config, const LoraSettings& settings) {
  for (const std::string& target : settings.targets) {
    bool known = target == "all-linear";
    for (std::int64_t i = 0; i < config.layers && !known; ++i)
      for (const Module& module : layer_modules(config, i).all())
        known = known || ends_with_part(module.name, target);
    if (!known) return target;
  }
  return std::nullopt;
}

bool is_target(const LoraSettings& settings, const LayerModules& layer, const Module& module) {
  if (settings.targets.empty())
    return std::any_of(layer.qkv.begin(), layer.qkv.end(),
                       [&](const Module& other) { return other.name == module.name; });
  return std::any_of(settings.targets.begin(), settings.targets.end(),
                     [&](const std::string& target) {
                       return target == "all-linear" || ends_with_part(module.name, target);
                     });
}

std::string adapter_name(const ModelConfig& config, const Module& module, const char* part) {
  return checkpoint_prefix(config.family) + module.name + ".lora_" + part + ".weight";
}

std::string rows_name(const ModelConfig& config, const std::string& embedding) {
  const std::string module = embedding.substr(0, embedding.rfind(".weight"));
  const bool head = embedding == outer_names(config.family).head;
  return (head ? "" : checkpoint_prefix(config.family)) + module +
         ".token_adapter.trainable_tokens_delta";
}

}  // namespace model
