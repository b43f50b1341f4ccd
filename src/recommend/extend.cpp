#include "recommend/extend.h"

#include "base/error.h"

namespace recommend {
namespace {

using Similar = std::vector<std::vector<std::pair<int, float>>>;

// Rows of new items behind those of the `old` first ones: the mean of the similar old items' rows,
// by their shares; of all old rows where there is none.
torch::Tensor extend_rows(const torch::Tensor& rows, const Similar& similar, int old) {
  const int items = static_cast<int>(similar.size());
  const torch::Tensor mean = rows.narrow(0, 0, old).mean(0, true);
  std::vector<torch::Tensor> parts = {rows.narrow(0, 0, old)};
  for (int item = old; item < items; ++item) {
    torch::Tensor row = torch::zeros_like(mean);
    float sum = 0;
    for (const auto& [other, share] : similar[static_cast<std::size_t>(item)]) {
      if (other >= old) continue;
      row += share * rows.narrow(0, other, 1);
      sum += share;
    }
    parts.push_back(sum > 0 ? row / sum : mean);
  }
  return at::cat(parts);
}

// The item tokens' rows of a table of the vocabulary.
torch::Tensor extend_vocabulary_rows(const torch::Tensor& table,
                                     const train::DialogueTokens& tokens, const Similar& similar,
                                     int old) {
  const std::int64_t first = tokens.item(0),
                     end = first + static_cast<std::int64_t>(similar.size());
  std::vector<torch::Tensor> parts = {
      table.narrow(0, 0, first),
      extend_rows(table.narrow(0, first, table.size(0) - first), similar, old)};
  if (table.size(0) > end) parts.push_back(table.narrow(0, end, table.size(0) - end));
  return at::cat(parts);
}

model::LanguageModel extend_language(const model::LanguageModel& language,
                                     const train::DialogueTokens& tokens, const Similar& similar,
                                     int old) {
  if (language.adapter)
    throw base::Error(base::ErrorKind::data,
                      "a model with an adapter keeps its vocabulary; attune export merge makes one "
                      "without");
  model::TensorMap tensors = language.parameters.values();
  const model::OuterNames names = model::outer_names(language.config.family);
  tensors[names.embedding] =
      extend_vocabulary_rows(tensors.at(names.embedding), tokens, similar, old);
  if (!language.config.tied)
    tensors[names.head] = extend_vocabulary_rows(tensors.at(names.head), tokens, similar, old);
  model::ModelConfig config = language.config;
  config.vocabulary = tensors.at(names.embedding).size(0);
  model::LanguageModel extended = model::model_from_tensors(config, tensors, "extended");
  extended.storage = language.storage;
  return extended;
}

}  // namespace

TrainedModel extend_catalogue(const TrainedModel& model, const std::vector<dialogue::Item>& items) {
  torch::NoGradGuard no_grad;
  std::vector<dialogue::Item> all = model.catalogue.items();
  all.insert(all.end(), items.begin(), items.end());
  dialogue::Catalogue catalogue(std::move(all));
  std::vector<std::string> added;
  for (const dialogue::Item& item : items) added.push_back(train::item_token(item));
  train::DialogueTokens tokens(model.tokens.tokenizer().with_added_tokens(added), catalogue,
                               "the extended tokenizer");
  const int old = model.catalogue.size();
  const RankerTables& before = model.ranker.tables();
  RankerTables tables =
      make_tables(before.words, Entities(catalogue), before.counts.extended(catalogue.size()),
                  before.neighbours, catalogue);
  const Similar similar = tables.similar;
  const std::int64_t width =
      model.ranker.uses_language() ? model.ranker.language_width() : std::int64_t{0};
  Ranker ranker(model.ranker.settings(), std::move(tables), width, 0);
  for (const std::string& name : ranker.parameters().names()) {
    torch::Tensor value = ranker.parameters().at(name);
    const torch::Tensor& was = model.ranker.parameters().at(name);
    if (value.sizes() == was.sizes())
      value.copy_(was);
    else if (name.ends_with("items"))
      value.copy_(extend_rows(was, similar, old));
    else {
      // Names that new items bring, and what new items count: nothing is known of them.
      value.zero_();
      value.narrow(0, 0, was.size(0)).copy_(was);
    }
  }
  return {std::move(catalogue), model.state, tokens,
          extend_language(model.language, tokens, similar, old), std::move(ranker)};
}

}  // namespace recommend
