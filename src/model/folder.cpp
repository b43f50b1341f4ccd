#include "model/folder.h"

#include "base/error.h"
#include "base/files.h"
#include "model/adapter_folder.h"
#include "model/weights.h"

namespace model {
namespace fs = std::filesystem;
namespace {

const char* type_name(torch::Dtype type) {
  return type == torch::kBFloat16 ? "bfloat16" : type == torch::kFloat16 ? "float16" : "float32";
}

// The one floating-point type of all tensors, fp32 where they differ.
torch::Dtype common_type(const TensorMap& tensors) {
  std::optional<torch::Dtype> type;
  for (const auto& [name, tensor] : tensors) {
    if (type && *type != tensor.scalar_type()) return torch::kFloat32;
    type = tensor.scalar_type();
  }
  return type == torch::kBFloat16 || type == torch::kFloat16 ? *type : torch::kFloat32;
}

std::string family_class(Family family) {
  return family == Family::gpt2 ? "GPT2" : family == Family::llama ? "Llama" : "Qwen2";
}

base::Json stored_config(const LanguageModel& model) {
  base::Json config = config_json(model.config);
  config[config.contains("torch_dtype") ? "torch_dtype" : "dtype"] = type_name(model.storage);
  return config;
}

// Under the names and in the type of the file.
TensorMap stored_tensors(const LanguageModel& model) {
  TensorMap tensors;
  const OuterNames names = outer_names(model.config.family);
  for (const auto& [name, tensor] : model.parameters.values())
    tensors[(name == names.head ? "" : checkpoint_prefix(model.config.family)) + name] =
        tensor.to(model.storage);
  return tensors;
}

}  // namespace

fs::path find_model(const fs::path& path) {
  for (const fs::path& folder : {path, path / "model"})
    if (fs::exists(folder / "config.json") || is_adapter_folder(folder)) return folder;
  throw base::DataError(path,
                        ": holds neither config.json nor adapter_config.json: no model's "
                        "folder, nor a stage of a run that has one");
}

fs::path whole_model(const fs::path& folder) {
  return is_adapter_folder(folder) ? base_of_adapter(folder) : folder;
}

void write_model(const fs::path& folder, const LanguageModel& model) {
  base::check(!model.adapter, "an adapter is written beside its base, or merged");
  base::create_folder(folder);
  const base::Json config = stored_config(model);
  base::write_json(folder / "config.json", config);
  base::Json generation = {{"do_sample", true}, {"temperature", 1.0}, {"top_k", 0}, {"top_p", 1.0}};
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"})
    if (config.contains(key) && !config[key].is_null()) generation[key] = config[key];
  base::write_json(folder / "generation_config.json", generation);
  write_weights(folder, stored_tensors(model));
}

void write_scorer(const fs::path& folder, const LanguageModel& model, const torch::Tensor& head,
                  int padding) {
  base::check(!model.adapter, "a reward model is written merged");
  base::create_folder(folder);
  base::Json config = stored_config(model);
  config["architectures"] = {family_class(model.config.family) + "ForSequenceClassification"};
  config["id2label"] = {{"0", "LABEL_0"}};
  config["label2id"] = {{"LABEL_0", 0}};
  config["pad_token_id"] = padding;
  base::write_json(folder / "config.json", config);
  TensorMap tensors = stored_tensors(model);
  tensors.erase(outer_names(model.config.family).head);
  tensors["score.weight"] = head.to(model.storage);
  write_weights(folder, tensors);
}

LanguageModel read_model(const fs::path& folder) {
  if (is_adapter_folder(folder)) {
    LanguageModel model = read_model(base_of_adapter(folder));
    read_adapter(folder, model);
    return model;
  }
  const ModelConfig config =
      parse_config(base::read_json(folder / "config.json"), (folder / "config.json").string());
  const std::string prefix = checkpoint_prefix(config.family),
                    head = outer_names(config.family).head;
  TensorMap tensors;
  const StoredWeights stored = read_weights(folder);
  for (const auto& [name, tensor] : stored.tensors) {
    const std::string bare =
        !prefix.empty() && name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : name;
    const bool buffer = bare.ends_with(".attn.bias") || bare.ends_with(".attn.masked_bias") ||
                        bare.ends_with(".rotary_emb.inv_freq");
    if (buffer || bare == "score.weight" || (config.tied && bare == head)) continue;
    if (!tensors.emplace(bare, tensor).second)
      throw base::DataError(folder, ": holds the tensor ", bare, " twice, with and without ",
                            prefix);
  }
  LanguageModel model = model_from_tensors(config, tensors, stored.path.string());
  model.storage = common_type(tensors);
  return model;
}

torch::Tensor read_score_head(const fs::path& folder) {
  const TensorMap tensors = read_weights(folder).tensors;
  const auto found = tensors.find("score.weight");
  if (found == tensors.end())
    throw base::DataError(folder, ": the tensor score.weight is missing: no reward model");
  if (!found->second.is_floating_point())
    throw base::DataError(folder, ": the tensor score.weight holds no floating-point numbers");
  return found->second.to(torch::kFloat32);
}

}  // namespace model
