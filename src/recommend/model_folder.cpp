#include "recommend/model_folder.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "dialogue/jsonl.h"
#include "model/adapter_folder.h"
#include "model/folder.h"
#include "text/tokenizer_folder.h"

namespace recommend {
namespace fs = std::filesystem;
namespace {

constexpr int kVersion = 1;

}  // namespace

std::string TrainedModel::hash() const {
  model::TensorMap all = language.values();
  for (const auto& [name, tensor] : ranker.parameters().values()) all["ranker." + name] = tensor;
  return model::hash_tensors(all);
}

void write_trained(const fs::path& folder, const TrainedModel& model) {
  const fs::path to = folder / "model";
  base::create_folder(to);
  model::LanguageModel language = model.language;
  const int end = model.tokens.special(dialogue::Special::end);
  language.config.other["eos_token_id"] = end;
  language.config.other["bos_token_id"] = end;
  language.config.other["pad_token_id"] = end;
  if (language.adapter) {
    fs::path base = language.adapter->base;
    if (base.empty()) {
      base = folder / "base";
      language.adapter.reset();
      model::write_model(base, language);
      language.adapter = model.language.adapter;
    }
    model::write_adapter(to, language, base);
  } else {
    model::write_model(to, language);
  }
  const std::string end_text = dialogue::special_name(dialogue::Special::end);
  text::write_tokenizer(to, model.tokens.tokenizer(), {.end = end_text, .padding = end_text});
  dialogue::write_catalogue(to / "catalogue.jsonl", model.catalogue);
  base::Json items = base::Json::object();
  for (int i = 0; i < model.catalogue.size(); ++i)
    items[model.catalogue[i].id] = model.tokens.item(i);
  base::write_json(to / "items.json", {{"schema", base::schema("items", kVersion)},
                                       {"window", model.state.window},
                                       {"keep_earlier_items", model.state.keep_earlier_items},
                                       {"liked_above", model.state.liked_above},
                                       {"context", model.language.config.context},
                                       {"tokens", items}});
  model.ranker.write(folder / "ranker");
}

TrainedModel read_trained(const fs::path& folder) {
  const fs::path from = folder / "model", items_path = from / "items.json";
  if (!fs::exists(from))
    throw base::DataError(from, ": there is no such folder; has this stage of the run finished?");
  dialogue::Catalogue catalogue = dialogue::read_catalogue(from / "catalogue.jsonl");
  const base::Json items = base::read_json(items_path);
  base::require_schema(items, "items", kVersion, items_path.string());
  dialogue::StateOptions state;
  state.window = base::require<int>(items, "window", items_path.string());
  state.keep_earlier_items = base::require<bool>(items, "keep_earlier_items", items_path.string());
  state.liked_above = base::require<double>(items, "liked_above", items_path.string());
  train::DialogueTokens tokens(text::read_tokenizer(from), catalogue, from.string());
  model::LanguageModel language = model::read_model(from);
  // A base may have more rows than tokens.
  if (language.config.vocabulary < tokens.size())
    throw base::DataError(from, ": the model has ", language.config.vocabulary,
                          " tokens, its tokenizer ", tokens.size(),
                          "; they do not belong together");
  language.config.context = base::optional<std::int64_t>(items, "context", items_path.string())
                                .value_or(language.config.positions);
  language.config = language.config.complete(items_path.string());
  Ranker ranker = Ranker::read(folder / "ranker", catalogue);
  if (ranker.items() != catalogue.size())
    throw base::DataError(folder / "ranker", ": ranks ", ranker.items(),
                          " items, the catalogue has ", catalogue.size());
  if (ranker.uses_language() && ranker.language_width() != language.config.width)
    throw base::DataError(folder / "ranker", ": reads hidden states of width ",
                          ranker.language_width(), ", the model has ", language.config.width);
  return {std::move(catalogue), state, std::move(tokens), std::move(language), std::move(ranker)};
}

}  // namespace recommend
