#include "model/folder.h"

#include "base/error.h"
#include "base/files.h"
#include "model/safetensors.h"

namespace model {
namespace fs = std::filesystem;

void write_model(const fs::path& folder, const Gpt2& model) {
  base::create_folder(folder);
  base::write_json(folder / "config.json", config_json(model.config));
  base::Json generation = {{"do_sample", true}, {"temperature", 1.0}, {"top_k", 0}, {"top_p", 1.0}};
  if (model.config.other.contains("eos_token_id"))
    generation["eos_token_id"] = model.config.other["eos_token_id"];
  base::write_json(folder / "generation_config.json", generation);
  write_safetensors(folder / "model.safetensors", model.parameters.values());
}

Gpt2 read_model(const fs::path& folder) {
  const fs::path file = folder / "model.safetensors";
  if (!fs::exists(file) && fs::exists(folder / "pytorch_model.bin"))
    throw base::DataError(
        folder / "pytorch_model.bin",
        ": pickled weights are not read, since reading them can run "
        "code; convert them once with transformers: save_pretrained(…, safe_serialization=True)");
  const Gpt2Config config =
      parse_config(base::read_json(folder / "config.json"), (folder / "config.json").string());
  TensorMap tensors;
  for (const auto& [name, tensor] : read_safetensors(file)) {
    const std::string bare = name.rfind("transformer.", 0) == 0 ? name.substr(12) : name;
    const bool buffer = bare.ends_with(".attn.bias") || bare.ends_with(".attn.masked_bias");
    if (buffer || bare == "lm_head.weight") continue;
    tensors[bare] = tensor.to(torch::kFloat32);
  }
  return gpt2_from_tensors(config, tensors, file.string());
}

}  // namespace model
