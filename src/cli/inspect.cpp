#include <algorithm>
#include <iostream>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "model/adapter_folder.h"
#include "model/encoder.h"
#include "model/folder.h"
#include "model/weights.h"
#include "text/tokenizer_folder.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

bool is_encoder(const base::Json& config, const std::string& where) {
  const auto type = base::require<std::string>(config, "model_type", where);
  return type == "bert" || type == "roberta" || type == "xlm-roberta";
}

base::Json describe_config(const base::Json& config, const std::string& where) {
  if (is_encoder(config, where)) {
    const model::EncoderConfig c = model::parse_encoder_config(config, where);
    return {{"kind", config["model_type"]},
            {"layers", c.layers},
            {"width", c.width},
            {"heads", c.heads},
            {"inner", c.inner},
            {"positions", c.longest()},
            {"vocabulary", c.vocabulary},
            {"labels", c.labels}};
  }
  const model::ModelConfig c = model::parse_config(config, where);
  base::Json json = {{"kind", model::family_name(c.family)},
                     {"layers", c.layers},
                     {"width", c.width},
                     {"heads", c.heads},
                     {"heads of keys", c.key_heads},
                     {"inner", c.inner},
                     {"positions", c.positions},
                     {"vocabulary", c.vocabulary},
                     {"output layer", c.tied ? "the token embedding" : "its own"}};
  if (config.contains("architectures") && config["architectures"].is_array() &&
      !config["architectures"].empty())
    json["architecture"] = config["architectures"][0];
  return json;
}

base::Json describe_tensors(const model::TensorMap& tensors) {
  base::Json list = base::Json::array(), types = base::Json::object();
  double numbers = 0, bytes = 0;
  std::map<std::string, std::int64_t> by_type;
  for (const auto& [name, tensor] : tensors) {
    const std::string type = c10::toString(tensor.scalar_type());
    list.push_back({{"name", name}, {"type", type}, {"shape", tensor.sizes().vec()}});
    numbers += static_cast<double>(tensor.numel());
    bytes += static_cast<double>(tensor.nbytes());
    by_type[type] += tensor.numel();
  }
  for (const auto& [type, count] : by_type) types[type] = count;
  return {{"count", tensors.size()},
          {"numbers", numbers},
          {"bytes", bytes},
          {"types", types},
          {"list", list}};
}

base::Json describe_tokenizer(const fs::path& folder) {
  const text::Tokenizer tokenizer = text::read_tokenizer(folder);
  int items = 0;
  for (const text::AddedToken& token : tokenizer.vocabulary().added)
    items += token.text.rfind("<|item:", 0) == 0;
  return {{"kind", tokenizer.vocabulary().merges.empty() ? "WordPiece" : "byte-level BPE"},
          {"tokens", tokenizer.size()},
          {"merges", tokenizer.vocabulary().merges.size()},
          {"added", tokenizer.vocabulary().added.size()},
          {"item tokens", items}};
}

// Which run and stage made the folder, and from what.
base::Json describe_lineage(const fs::path& folder) {
  base::Json lineage = base::Json::object();
  if (model::is_adapter_folder(folder)) lineage["base"] = model::base_of_adapter(folder).string();
  const fs::path stage = fs::absolute(folder).lexically_normal().parent_path();
  if (!fs::exists(stage / "stage.json")) return lineage;
  const std::string made_at = (stage / "stage.json").string(),
                    manifest = (stage / "manifest.json").string();
  const base::Json made = base::read_json(made_at);
  lineage["stage"] = base::require<std::string>(made, "stage", made_at);
  lineage["inputs"] = base::require<base::Json>(made, "inputs", made_at);
  if (fs::exists(manifest)) {
    const auto about = base::require<base::Json>(base::read_json(manifest), "about", manifest);
    for (const char* what : {"key", "version"})
      lineage[what] = base::require<std::string>(about, what, manifest);
  }
  return lineage;
}

base::Json inspect_folder(const fs::path& folder) {
  base::Json found = {{"folder", folder.string()}};
  const bool adapter = model::is_adapter_folder(folder);
  const fs::path whole = model::whole_model(folder);
  found["model"] =
      describe_config(base::read_json(whole / "config.json"), (whole / "config.json").string());
  if (adapter) {
    model::LanguageModel language = model::read_model(folder);
    found["adapter"] = {{"rank", language.adapter->settings.rank},
                        {"alpha", language.adapter->settings.alpha},
                        {"numbers", language.adapter->parameters.count()},
                        {"token rows", language.adapter->rows}};
  }
  found["tensors"] = describe_tensors(model::read_weights(whole).tensors);
  found["tokenizer"] = describe_tokenizer(folder);
  if (fs::exists(folder / "items.json")) {
    const std::string where = (folder / "items.json").string();
    const base::Json items = base::read_json(where);
    found["recommender"] = {{"items", base::require<base::Json>(items, "tokens", where).size()},
                            {"window", base::require<int>(items, "window", where)},
                            {"ranker", fs::exists(folder.parent_path() / "ranker")}};
    if (const auto context = base::optional<std::int64_t>(items, "context", where))
      found["recommender"]["context"] = *context;
  }
  found["lineage"] = describe_lineage(folder);
  return found;
}

std::string shown(const base::Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void print_part(const base::Json& part, const std::string& title) {
  if (part.empty()) return;
  std::cout << title << "\n";
  for (const auto& [name, value] : part.items()) {
    if (name == "list") continue;
    if (name == "bytes")
      std::cout << "  bytes             " << base::fixed(value.get<double>() / 1e6, 1) << " MB\n";
    else if (name == "numbers")
      std::cout << "  numbers           " << base::fixed(value.get<double>() / 1e6, 2)
                << " million\n";
    else
      std::cout << "  " << name << std::string(name.size() < 18 ? 18 - name.size() : 1, ' ')
                << shown(value) << "\n";
  }
}

int inspect(const Command& self, const std::vector<std::string>& given) {
  std::string folder;
  bool json = false, tensors = false;
  Arguments arguments(self);
  arguments.positional("FOLDER", folder, "a model's folder, or a stage of a run");
  arguments.flag("--tensors", tensors, "list every tensor with type and shape");
  arguments.flag("--json", json, "print one JSON object");
  arguments.parse(given);
  const base::Json found = inspect_folder(model::find_model(folder));
  if (json) {
    std::cout << found.dump(2) << "\n";
    return 0;
  }
  std::cout << found["folder"].get<std::string>() << "\n";
  for (const char* part : {"model", "adapter", "tensors", "tokenizer", "recommender", "lineage"})
    if (found.contains(part)) print_part(found[part], part);
  if (tensors)
    for (const base::Json& tensor : found["tensors"]["list"])
      std::cout << "  " << shown(tensor["name"]) << "  " << shown(tensor["type"]) << "  "
                << tensor["shape"].dump() << "\n";
  return 0;
}

}  // namespace

Command inspect_command() {
  return {"inspect",
          "say what a model's folder holds: shape, tensors, tokenizer, items, where it came from",
          "attune inspect runs/quickstart/policy", inspect};
}

}  // namespace cli
