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

}  // namespace

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

Adapter new_adapter(const ModelConfig& config, const ParameterSet& base,
                    const LoraSettings& settings, std::int64_t first_row, std::int64_t rows,
                    std::uint64_t seed) {
  if (settings.rank < 1)
    throw base::UsageError("an adapter of rank ", settings.rank, ", expected at least 1");
  Adapter adapter{settings, first_row, rows, {}, {}};
  for (const std::string& target : settings.targets) {
    const std::vector<Module> modules = layer_modules(config, 0).all();
    if (target != "all-linear" &&
        std::none_of(modules.begin(), modules.end(),
                     [&](const Module& module) { return ends_with_part(module.name, target); }))
      throw base::UsageError("lora.targets: no module of a ", family_name(config.family),
                             " model is called \"", target, "\"");
  }
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const LayerModules layer = layer_modules(config, i);
    for (const Module& module : layer.all()) {
      if (!is_target(settings, layer, module)) continue;
      const std::string a = adapter_name(config, module, "A");
      adapter.parameters.add(a, uniform_values({settings.rank, module.in},
                                               1 / std::sqrt(static_cast<double>(module.in)),
                                               {.seed = seed, .stage = a}));
      adapter.parameters.add(adapter_name(config, module, "B"),
                             torch::zeros({module.out, settings.rank}));
    }
  }
  const OuterNames names = outer_names(config.family);
  const auto add_rows = [&](const std::string& embedding) {
    adapter.parameters.add(rows_name(config, embedding),
                           base.at(embedding).detach().narrow(0, first_row, rows).clone());
  };
  if (rows > 0) add_rows(names.embedding);
  if (rows > 0 && !config.tied) add_rows(names.head);
  return adapter;
}

}  // namespace model
