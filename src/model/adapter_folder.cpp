#include "model/adapter_folder.h"

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "model/adapter_config.h"
#include "model/safetensors.h"

namespace model {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPrefix = "base_model.model.";

constexpr const char* kConfig = "adapter_config.json";

// What PEFT takes for the ends of modules' names: as they were given, or those of every layer.
std::vector<std::string> target_names(const LanguageModel& model) {
  const LoraSettings& settings = model.adapter->settings;
  if (!settings.targets.empty() && settings.targets != std::vector<std::string>{"all-linear"})
    return settings.targets;
  std::vector<std::string> names;
  const LayerModules layer = layer_modules(model.config, 0);
  for (const Module& module : layer.all()) {
    if (!is_target(settings, layer, module)) continue;
    const std::string layer_number = ".0.";
    names.push_back(module.name.substr(module.name.find(layer_number) + layer_number.size()));
  }
  return names;
}

base::Json row_ids(const LanguageModel& model) {
  const Adapter& adapter = *model.adapter;
  if (adapter.rows == 0) return nullptr;
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < adapter.rows; ++i) ids.push_back(adapter.first_row + i);
  const OuterNames names = outer_names(model.config.family);
  const auto module_of = [](const std::string& name) {
    const std::string module = name.substr(0, name.rfind(".weight"));
    return module.substr(module.rfind('.') + 1);
  };
  base::Json by_module = {{module_of(names.embedding), ids}};
  if (!model.config.tied) by_module[module_of(names.head)] = ids;
  return by_module;
}

AdapterConfig read_config(const fs::path& folder) {
  return parse_adapter_config(base::read_json(folder / kConfig), (folder / kConfig).string());
}

fs::path find_base(const fs::path& folder, const std::string& named) {
  for (const fs::path& base : {folder / named, fs::path(named)}) {
    std::error_code error;  // a name that can be no path is no folder here either
    if (!fs::exists(base / "config.json", error)) continue;
    if (is_adapter_folder(base))
      throw base::DataError(folder / kConfig, ": base_model_name_or_path is ",
                            base::in_quotes(named),
                            ", which is an adapter itself, expected a whole model");
    return base.lexically_normal();
  }
  throw base::DataError(folder / kConfig, ": base_model_name_or_path is ", base::in_quotes(named),
                        ", which is no folder of a model here; nothing is downloaded");
}

fs::path whole_path(const fs::path& path) { return fs::absolute(path).lexically_normal(); }

}  // namespace

bool is_adapter_folder(const fs::path& folder) { return fs::exists(folder / kConfig); }

fs::path base_of_adapter(const fs::path& folder) {
  return find_base(folder, read_config(folder).base);
}

void write_adapter(const fs::path& folder, const LanguageModel& model, const fs::path& base) {
  base::check(model.adapter.has_value(), "there is no adapter to write");
  base::create_folder(folder);
  const Adapter& adapter = *model.adapter;
  base::Json config = {{"peft_type", "LORA"},
                       {"task_type", "CAUSAL_LM"},
                       {"base_model_name_or_path",
                        whole_path(base).lexically_relative(whole_path(folder)).generic_string()},
                       {"r", adapter.settings.rank},
                       {"lora_alpha", adapter.settings.alpha},
                       {"lora_dropout", adapter.settings.dropout},
                       {"bias", "none"},
                       {"fan_in_fan_out", stores_inputs_first(model.config.family)},
                       {"target_modules", target_names(model)},
                       {"trainable_token_indices", row_ids(model)},
                       {"use_rslora", false},
                       {"inference_mode", true}};
  base::write_json(folder / kConfig, config);
  TensorMap tensors;
  add_prefixed(tensors, adapter.parameters.values(), kPrefix);
  write_safetensors(folder / "adapter_model.safetensors", tensors);
}

void read_adapter(const fs::path& folder, LanguageModel& model) {
  const AdapterConfig config = read_config(folder);
  if (const auto unknown = unknown_target(model.config, config.settings))
    throw base::DataError(folder / kConfig, ": target_modules names ", base::in_quotes(*unknown),
                          ", which no module of a ", family_name(model.config.family),
                          " model is called");
  if (config.first_row + config.rows > model.config.vocabulary)
    throw base::DataError(folder / kConfig, ": trainable_token_indices end at ",
                          config.first_row + config.rows, ", the model has ",
                          model.config.vocabulary, " tokens");
  const fs::path file = folder / "adapter_model.safetensors";
  TensorMap tensors;
  for (const auto& [name, tensor] : read_safetensors(file)) {
    if (!name.starts_with(kPrefix))
      throw base::DataError(file, ": tensor ", base::in_quotes(name), " does not begin with ",
                            kPrefix);
    tensors[name.substr(std::string_view(kPrefix).size())] = tensor;
  }
  attach(model, {config.settings, config.first_row, config.rows, find_base(folder, config.base),
                 parameters_from(adapter_shapes(model.config, config.settings, config.rows),
                                 tensors, file.string())});
}

}  // namespace model
