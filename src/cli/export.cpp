#include <iostream>

#include "base/error.h"
#include "base/files.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "model/adapter_folder.h"
#include "model/folder.h"
#include "model/gguf.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

// What stands beside the weights in a model's folder and belongs to it wherever it goes.
constexpr const char* kCompanions[] = {
    "tokenizer.json",    "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.jinja",   "vocab.json",
    "merges.txt",        "encoder.json",          "vocab.bpe",
    "items.json",        "catalogue.jsonl"};

void write_merged(const fs::path& from, const fs::path& to) {
  model::write_model(to, model::merged(model::read_model(from)));
  // An adapter may leave the tokenizer to its base.
  const bool own = fs::exists(from / "tokenizer.json") || fs::exists(from / "vocab.json");
  const fs::path companions = own ? from : model::whole_model(from);
  for (const char* name : kCompanions)
    if (fs::exists(companions / name))
      base::write_file(to / name, base::read_file(companions / name));
}

int merge(const Command& self, const std::vector<std::string>& given) {
  std::string folder, out;
  Arguments arguments(self);
  arguments.positional("FOLDER", folder, "a PEFT adapter's folder, or a stage of a run");
  arguments.option("--out", out, "folder to write; it must not exist", Arguments::Need::required);
  arguments.parse(given);
  const fs::path from = model::find_model(folder);
  if (!model::is_adapter_folder(from))
    throw base::UsageError(from.string(), " holds no adapter: there is nothing to merge");
  if (fs::exists(out)) throw base::UsageError(out, " exists; name a folder that does not");
  write_merged(from, out);
  std::cout << out << "\n";
  return 0;
}

model::GgufType gguf_type(const std::string& name) {
  if (name == "f32") return model::GgufType::f32;
  if (name == "f16") return model::GgufType::f16;
  if (name == "bf16") return model::GgufType::bf16;
  throw base::UsageError("--type is \"", name, "\", expected f32, f16 or bf16");
}

int gguf(const Command& self, const std::vector<std::string>& given) {
  std::string folder, out, type = "f16";
  Arguments arguments(self);
  arguments.positional("FOLDER", folder, "a model's folder, or a stage of a run");
  arguments.option("--out", out, "file to write", Arguments::Need::required);
  arguments.option("--type", type, "of matrices: f32, f16 or bf16");
  arguments.parse(given);
  const model::GgufType chosen = gguf_type(type);
  const fs::path from = model::find_model(folder);
  if (model::is_adapter_folder(from)) {
    const base::TemporaryFolder merged;
    write_merged(from, merged.path() / "model");
    model::write_gguf(merged.path() / "model", out, chosen);
  } else {
    model::write_gguf(from, out, chosen);
  }
  std::cout << out << "\n";
  return 0;
}

}  // namespace

Command export_merge_command() {
  return {"export merge",
          "write an adapter and its base as one model, which transformers loads without peft",
          "attune export merge runs/lora/policy --out my-model", merge};
}

Command export_gguf_command() {
  return {"export gguf", "write a model as one GGUF file, for llama.cpp and its kin",
          "attune export gguf runs/quickstart/policy --out model.gguf --type f16", gguf};
}

}  // namespace cli
