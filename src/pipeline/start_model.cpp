#include "pipeline/start_model.h"

#include "base/error.h"
#include "model/folder.h"
#include "recommend/bag_term.h"

namespace pipeline {
namespace {

model::LanguageModel from_nothing(const ModelSettings& settings,
                                  const train::DialogueTokens& tokens,
                                  const recommend::Counts& counts, std::uint64_t seed) {
  model::LanguageModel language =
      model::random_model(model::gpt2_config(settings.layers, settings.heads, settings.width,
                                             settings.positions, tokens.size()),
                          seed);
  torch::NoGradGuard no_grad;
  const torch::Tensor rows =
      recommend::embed_by_counts(counts, settings.width, seed).narrow(0, 0, counts.items());
  torch::Tensor embedding =
      language.parameters.at(model::outer_names(language.config.family).embedding);
  const double deviation = rows.std().item<double>();
  if (deviation > 0)
    embedding.narrow(0, tokens.item(0), tokens.items()).copy_(rows * (.02 / deviation));
  return language;
}

// The words that say what an item is.
std::vector<int> words_of(const dialogue::Item& item, const text::Tokenizer& tokenizer) {
  std::vector<int> ids = tokenizer.encode(" " + item.title);
  for (const auto& [name, values] : item.attributes)
    for (const std::string& value : values)
      for (int id : tokenizer.encode(" " + value)) ids.push_back(id);
  return ids;
}

void start_rows_from_words(torch::Tensor rows, const train::DialogueTokens& tokens,
                           const dialogue::Catalogue& catalogue, std::uint64_t seed) {
  torch::NoGradGuard no_grad;
  const torch::Tensor words = rows.narrow(0, 0, tokens.text_size());
  const double deviation = words.std().item<double>();
  const torch::Tensor markup = rows.narrow(0, tokens.text_size(), dialogue::kSpecialCount);
  markup.copy_(words.mean(0, true) + model::normal_values(markup.sizes().vec(), .1 * deviation,
                                                          {.seed = seed, .stage = "markup"}));
  for (int i = 0; i < catalogue.size(); ++i) {
    const std::vector<int> ids = words_of(catalogue[i], tokens.tokenizer());
    if (ids.empty()) continue;  // keeps the row it has
    const std::vector<std::int64_t> at(ids.begin(), ids.end());
    rows[tokens.item(i)].copy_(words.index_select(0, torch::tensor(at, torch::kInt64)).mean(0));
  }
}

model::LanguageModel from_base(const ModelSettings& settings, const train::DialogueTokens& tokens,
                               const dialogue::Catalogue& catalogue, std::uint64_t seed) {
  model::LanguageModel language = model::merged(model::read_model(settings.base));
  if (language.config.vocabulary < tokens.text_size())
    throw base::DataError(settings.base, ": the model has ", language.config.vocabulary,
                          " tokens, its tokenizer ", tokens.text_size());
  language.config.context = std::min<std::int64_t>(settings.positions, language.config.positions);
  model::extend_vocabulary(language, tokens.size(), seed);
  const model::OuterNames names = model::outer_names(language.config.family);
  start_rows_from_words(language.parameters.at(names.embedding), tokens, catalogue, seed);
  if (!language.config.tied)
    start_rows_from_words(language.parameters.at(names.head), tokens, catalogue, seed);
  if (settings.lora.rank > 0)
    model::attach(language,
                  model::new_adapter(language.config, language.parameters, settings.lora,
                                     tokens.text_size(), tokens.size() - tokens.text_size(), seed));
  else
    language.storage = torch::kFloat32;  // trained in fp32: what is kept must hold small steps
  return language;
}

}  // namespace

model::LanguageModel start_model(const ModelSettings& settings, const train::DialogueTokens& tokens,
                                 const dialogue::Catalogue& catalogue,
                                 const recommend::Counts& counts, std::uint64_t seed) {
  return settings.base.empty() ? from_nothing(settings, tokens, counts, seed)
                               : from_base(settings, tokens, catalogue, seed);
}

}  // namespace pipeline
