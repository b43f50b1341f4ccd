#include "model/adapter_folder.h"

#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "model/safetensors.h"

namespace model {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPrefix = "base_model.model.";

constexpr const char* kConfig = "adapter_config.json";

// Modules by their names within a layer, which PEFT takes for the ends of names.
std::vector<std::string> target_names(const LanguageModel& model) {
  std::vector<std::string> names;
  const LayerModules layer = layer_modules(model.config, 0);
  for (const Module& module : layer.all()) {
    if (!is_target(model.adapter->settings, layer, module)) continue;
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

// Options that change what is computed and are not built: each must be missing, null, or empty.
void refuse_options(const base::Json& json, const std::string& where) {
  const auto type = base::require<std::string>(json, "peft_type", where);
  if (type != "LORA")
    throw base::DataError(where, ": peft_type is \"", type, "\", expected \"LORA\"");
  for (const char* key :
       {"modules_to_save", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern",
        "layer_replication", "exclude_modules", "target_parameters", "use_dora", "use_qalora",
        "use_bdlora", "lora_bias", "alora_invocation_tokens", "megatron_config", "arrow_config",
        "kasa_config", "velora_config", "monteclora_config"}) {
    if (!json.contains(key)) continue;
    const base::Json& value = json.at(key);
    if (value.is_null() || value == false || (value.is_structured() && value.empty())) continue;
    throw base::DataError(where, ": ", key, " is ", value.dump().substr(0, 60),
                          ", which is not supported");
  }
  const auto bias = base::optional<std::string>(json, "bias", where).value_or("none");
  if (bias != "none") throw base::DataError(where, ": bias is \"", bias, "\", expected \"none\"");
}

// trainable_token_indices: a list, or lists by module. One run of ids, the same for all.
void read_rows(const base::Json& json, const std::string& where, Adapter& adapter) {
  if (!json.contains("trainable_token_indices") || json["trainable_token_indices"].is_null())
    return;
  const base::Json& given = json["trainable_token_indices"];
  const base::Json lists = given.is_object() ? given : base::Json{{"embedding", given}};
  for (const auto& [module, list] : lists.items()) {
    if (!list.is_array() || list.empty())
      throw base::DataError(where, ": trainable_token_indices holds no list of ids");
    for (std::size_t i = 0; i < list.size(); ++i)
      if (!list[i].is_number_integer() ||
          list[i].get<std::int64_t>() != list[0].get<std::int64_t>() + static_cast<std::int64_t>(i))
        throw base::DataError(where,
                              ": trainable_token_indices is not one run of ids, "
                              "which is all that is supported");
    const auto first = list[0].get<std::int64_t>(), rows = static_cast<std::int64_t>(list.size());
    if (adapter.rows != 0 && (first != adapter.first_row || rows != adapter.rows))
      throw base::DataError(where, ": trainable_token_indices differ between modules");
    adapter.first_row = first;
    adapter.rows = rows;
  }
}

}  // namespace

bool is_adapter_folder(const fs::path& folder) { return fs::exists(folder / kConfig); }

fs::path base_of_adapter(const fs::path& folder) {
  const std::string where = (folder / kConfig).string();
  const auto named = base::require<std::string>(base::read_json(folder / kConfig),
                                                "base_model_name_or_path", where);
  for (const fs::path& base : {folder / named, fs::path(named)})
    if (fs::exists(base / "config.json")) return base.lexically_normal();
  throw base::DataError(where, ": base_model_name_or_path is \"", named,
                        "\", which is no folder of a model here; nothing is downloaded");
}

void write_adapter(const fs::path& folder, const LanguageModel& model, const fs::path& base) {
  base::check(model.adapter.has_value(), "there is no adapter to write");
  base::create_folder(folder);
  const Adapter& adapter = *model.adapter;
  base::Json config = {
      {"peft_type", "LORA"},
      {"task_type", "CAUSAL_LM"},
      {"base_model_name_or_path",
       fs::absolute(base).lexically_relative(fs::absolute(folder)).generic_string()},
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
  const std::string where = (folder / kConfig).string();
  const base::Json json = base::read_json(folder / kConfig);
  refuse_options(json, where);
  LoraSettings settings;
  settings.rank = static_cast<int>(base::require<std::int64_t>(json, "r", where));
  settings.alpha = base::require<double>(json, "lora_alpha", where);
  settings.dropout = base::optional<double>(json, "lora_dropout", where).value_or(0);
  if (settings.rank < 1 || settings.rank > 65536)
    throw base::DataError(where, ": r is ", settings.rank, ", expected 1 to 65536");
  if (base::optional<bool>(json, "use_rslora", where).value_or(false))
    settings.alpha *= std::sqrt(static_cast<double>(settings.rank));  // scale = alpha / sqrt(r)
  if (!json.contains("target_modules"))
    throw base::DataError(where, ": \"target_modules\" is missing");
  const base::Json& targets = json.at("target_modules");
  if (targets.is_string() && targets == "all-linear")
    settings.targets = {"all-linear"};
  else
    settings.targets = base::require<std::vector<std::string>>(json, "target_modules", where);
  Adapter rows;
  read_rows(json, where, rows);
  if (rows.first_row < 0 || rows.first_row + rows.rows > model.config.vocabulary)
    throw base::DataError(where, ": trainable_token_indices end at ", rows.first_row + rows.rows,
                          ", the model has ", model.config.vocabulary, " tokens");
  Adapter adapter =
      new_adapter(model.config, model.parameters, settings, rows.first_row, rows.rows, 0);
  const fs::path file = folder / "adapter_model.safetensors";
  TensorMap tensors;
  for (const auto& [name, tensor] : read_safetensors(file)) {
    if (name.rfind(kPrefix, 0) != 0)
      throw base::DataError(file, ": tensor ", name, " does not begin with ", kPrefix);
    tensors[name.substr(std::string(kPrefix).size())] = tensor;
  }
  adapter.parameters.assign(tensors, file.string());
  adapter.base = base_of_adapter(folder);
  attach(model, std::move(adapter));
}

}  // namespace model
