#include "pipeline/start_model.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/folder.h"
#include "text/tokenizer_trainer.h"

namespace pipeline {
namespace {

const dialogue::Catalogue& catalogue() {
  static const dialogue::Catalogue items(
      {{"1", "Heat", "movie", {}, {{"genre", {"crime", "drama"}}}},
       {"2", "Alien", "movie", {}, {}}});
  return items;
}

train::DialogueTokens tokens() {
  return {text::train_tokenizer({"ab"}, {.vocabulary_size = 258}), catalogue()};
}

// A base in a folder: Llama with an untied head, or GPT-2, of `vocabulary` tokens.
class StartModel : public ::testing::Test {
 protected:
  void write(const std::string& type, std::int64_t vocabulary) {
    base::Json json = {{"model_type", "gpt2"}, {"n_layer", 1},      {"n_head", 2},
                       {"n_embd", 8},          {"n_positions", 64}, {"vocab_size", vocabulary}};
    if (type == "llama")
      json = {{"model_type", "llama"},        {"num_hidden_layers", 1},
              {"num_attention_heads", 2},     {"hidden_size", 8},
              {"intermediate_size", 12},      {"vocab_size", vocabulary},
              {"max_position_embeddings", 64}};
    base_ = model::random_model(model::parse_config(json, "test"), 3);
    model::write_model(folder_.path(), base_);
  }

  model::LanguageModel start(const model::LoraSettings& lora = {}) const {
    ModelSettings settings;
    settings.base = folder_.path();
    settings.positions = 32;
    settings.lora = lora;
    return start_model(settings, tokens(), catalogue(), recommend::Counts(), 5);
  }

  std::vector<const char*> tables() const {
    const model::OuterNames names = model::outer_names(base_.config.family);
    if (base_.config.tied) return {names.embedding};
    return {names.embedding, names.head};
  }

  base::TemporaryFolder folder_;
  model::LanguageModel base_;
};

float difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<float>();
}

// The mean of the words' rows of "Heat crime drama".
torch::Tensor row_of_heat(const torch::Tensor& rows) {
  std::vector<std::int64_t> ids;
  for (const char* words : {" Heat", " crime", " drama"})
    for (const int id : tokens().tokenizer().encode(words)) ids.push_back(id);
  return rows.index_select(0, torch::tensor(ids)).mean(0);
}

TEST_F(StartModel, ItemsStartAtTheMeanOfTheirWordsRowsAndOldRowsStay) {
  for (const char* type : {"gpt2", "llama"}) {
    write(type, tokens().text_size());
    const model::LanguageModel language = start();
    EXPECT_EQ(language.config.vocabulary, tokens().size());
    EXPECT_EQ(language.config.context, 32);
    for (const char* table : tables()) {
      const torch::Tensor &rows = language.parameters.at(table), &old = base_.parameters.at(table);
      EXPECT_TRUE(at::equal(rows.narrow(0, 0, tokens().text_size()), old)) << table;
      EXPECT_LT(difference(rows[tokens().item(0)], row_of_heat(old)), 1e-6) << table;
      // Markup lies near the mean of all words.
      const torch::Tensor end = rows[tokens().special(dialogue::Special::end)];
      EXPECT_LT(difference(end, old.mean(0)), .5 * old.std().item<float>());
    }
  }
}

TEST_F(StartModel, AVocabularyPaddedBeyondTheTokenizerKeepsItsSize) {
  write("llama", tokens().size() + 7);
  const model::LanguageModel language = start();
  EXPECT_EQ(language.config.vocabulary, tokens().size() + 7);
  for (const char* table : tables()) {
    const torch::Tensor &rows = language.parameters.at(table), &old = base_.parameters.at(table);
    EXPECT_LT(difference(rows[tokens().item(0)], row_of_heat(old)), 1e-6);
    EXPECT_TRUE(at::equal(rows.narrow(0, tokens().size(), 7), old.narrow(0, tokens().size(), 7)));
  }
  // What was read from the file is not written back to it.
  EXPECT_EQ(model::hash_tensors(model::read_model(folder_.path()).parameters.values()),
            model::hash_tensors(base_.parameters.values()));
}

TEST_F(StartModel, AnAdapterTrainsTheNewRowsBesideAFrozenBase) {
  write("llama", tokens().text_size() + 3);  // some of the new tokens have rows already
  const model::LanguageModel language = start({.rank = 2});
  ASSERT_TRUE(language.adapter);
  EXPECT_EQ(language.adapter->first_row, tokens().text_size());
  EXPECT_EQ(language.adapter->rows, tokens().size() - tokens().text_size());
  for (const torch::Tensor& tensor : language.parameters.tensors())
    EXPECT_FALSE(tensor.requires_grad());
  for (const torch::Tensor& tensor : language.trained().tensors())
    EXPECT_TRUE(tensor.requires_grad());
  for (const char* table : tables())
    EXPECT_TRUE(at::equal(
        language.adapter->parameters.at(model::rows_name(language.config, table)),
        language.parameters.at(table).narrow(0, tokens().text_size(), language.adapter->rows)));
}

TEST_F(StartModel, AModelOfFewerTokensThanItsTokenizerIsRefused) {
  write("gpt2", tokens().text_size() - 1);
  EXPECT_THROW(start(), base::DataError);
}

TEST_F(StartModel, IsAFunctionOfItsSeed) {
  write("gpt2", tokens().text_size());
  EXPECT_EQ(model::hash_tensors(start().values()), model::hash_tensors(start().values()));
}

}  // namespace
}  // namespace pipeline
