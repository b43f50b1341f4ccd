#include "model/adapter_config.h"

#include <cmath>
#include <optional>

#include "base/error.h"

namespace model {
namespace {

constexpr std::int64_t kMostRank = 65536, kMostTokens = std::int64_t{1} << 31;

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

// Some ways to begin (pissa, olora, corda, …) change the base's weights when PEFT loads them.
void refuse_changed_base(const base::Json& json, const std::string& where) {
  if (!json.contains("init_lora_weights")) return;
  const base::Json& start = json.at("init_lora_weights");
  if (start.is_null() || start.is_boolean()) return;
  for (const char* harmless : {"gaussian", "orthogonal", "eva"})
    if (start == harmless) return;
  throw base::DataError(where, ": init_lora_weights is ", start.dump().substr(0, 60),
                        ", which changes the base's weights too and is not supported; have PEFT "
                        "convert the adapter to a plain one");
}

std::vector<std::string> target_names(const base::Json& json, const std::string& where) {
  if (json.contains("target_modules") && json.at("target_modules") == "all-linear")
    return {"all-linear"};
  auto targets = base::require<std::vector<std::string>>(json, "target_modules", where);
  if (targets.empty()) throw base::DataError(where, ": target_modules is empty");
  return targets;
}

struct Run {
  std::int64_t first = 0, count = 0;
  bool operator==(const Run& other) const = default;
};

// Of ids that follow one another.
Run read_run(const base::Json& list, const std::string& where) {
  if (!list.is_array() || list.empty())
    throw base::DataError(where, ": trainable_token_indices holds no list of ids");
  std::vector<std::int64_t> ids;
  for (const base::Json& id : list) {
    if (!id.is_number_integer() || id < 0 || id >= kMostTokens)
      throw base::DataError(where, ": trainable_token_indices holds ", id.dump().substr(0, 60),
                            ", expected the number of a token");
    ids.push_back(id.get<std::int64_t>());
    if (ids.back() != ids.front() + static_cast<std::int64_t>(ids.size()) - 1)
      throw base::DataError(where,
                            ": trainable_token_indices is not one run of ids, "
                            "which is all that is supported");
  }
  return {ids.front(), static_cast<std::int64_t>(ids.size())};
}

// trainable_token_indices: a list, or the same list for each of several modules.
Run read_rows(const base::Json& json, const std::string& where) {
  const char* key = "trainable_token_indices";
  if (!json.contains(key) || json.at(key).is_null()) return {};
  const base::Json& given = json.at(key);
  if (!given.is_object()) return read_run(given, where);
  std::optional<Run> common;
  for (const auto& [module, list] : given.items()) {
    const Run run = read_run(list, where);
    if (common && run != *common)
      throw base::DataError(where, ": trainable_token_indices differ between modules");
    common = run;
  }
  return common.value_or(Run{});
}

}  // namespace

AdapterConfig parse_adapter_config(const base::Json& json, const std::string& where) {
  refuse_options(json, where);
  refuse_changed_base(json, where);
  AdapterConfig config;
  LoraSettings& settings = config.settings;
  const auto rank = base::require<std::int64_t>(json, "r", where);
  if (rank < 1 || rank > kMostRank)
    throw base::DataError(where, ": r is ", rank, ", expected 1 to ", kMostRank);
  settings.rank = static_cast<int>(rank);
  settings.alpha = base::require<double>(json, "lora_alpha", where);
  if (!(std::abs(settings.alpha) < 1e12))
    throw base::DataError(where, ": lora_alpha is ", settings.alpha, ", expected a smaller number");
  if (base::optional<bool>(json, "use_rslora", where).value_or(false))
    settings.alpha *= std::sqrt(static_cast<double>(rank));  // its scale is alpha / sqrt(r)
  settings.dropout = base::optional<double>(json, "lora_dropout", where).value_or(0);
  if (!(settings.dropout >= 0 && settings.dropout < 1))
    throw base::DataError(where, ": lora_dropout is ", settings.dropout, ", expected 0 to below 1");
  settings.targets = target_names(json, where);
  const Run rows = read_rows(json, where);
  config.first_row = rows.first;
  config.rows = rows.count;
  config.base = base::require<std::string>(json, "base_model_name_or_path", where);
  return config;
}

}  // namespace model
