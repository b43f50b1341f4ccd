#include "reward/text_models.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/safetensors.h"
#include "model/test_models.h"
#include "text/tokenizer_folder.h"

namespace reward {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWords =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ngood\nbad\nfilm\nheat\nalien\nlong\n##ly\nnever\n";
constexpr int kVocabulary = 14;

// A tiny BERT with random weights, whose vocabulary is a few words.
class TextModels : public ::testing::Test {
 protected:
  TextModels() { write({"negative", "neutral", "positive"}); }

  void write(const std::vector<std::string>& labels, int vocabulary = kVocabulary) const {
    base::create_folder(model());
    base::write_json(model() / "config.json",
                     model::testing::encoder_config("bert", vocabulary, labels));
    model::write_safetensors(model() / "model.safetensors",
                             model::testing::encoder_tensors(
                                 "bert", vocabulary, static_cast<std::int64_t>(labels.size())));
    base::write_file(model() / "vocab.txt", kWords);
  }

  fs::path model() const { return folder_.path() / "model"; }
  fs::path cache() const { return folder_.path() / "cache"; }
  // The only file of the cache.
  fs::path cache_file() const { return fs::directory_iterator(cache())->path(); }

  std::vector<int> ids(const std::string& text) const {
    return text::read_tokenizer(model()).encode_for_model(text, 32);
  }
  // As long as 1.
  torch::Tensor embedding(const std::string& text) const {
    const torch::Tensor mean = model::Encoder(model()).embed({ids(text)})[0];
    return mean / mean.norm();
  }

  // What is said of the folder as a sentiment classifier; empty where it is read.
  std::string refusal() const {
    try {
      NeuralSentiment(model(), {});
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "";
  }

  base::TemporaryFolder folder_;
};

TEST_F(TextModels, SentimentIsTheProbabilityOfGoodLessThatOfBad) {
  NeuralSentiment sentiment(model(), {});
  for (const char* text : {"a good film", "never bad", "heat"}) {
    const torch::Tensor probabilities =
        at::softmax(model::Encoder(model()).classify({ids(text)})[0], 0);
    EXPECT_NEAR(sentiment.score(text), (probabilities[2] - probabilities[0]).item<float>(), 1e-5)
        << text;
  }
}

TEST_F(TextModels, WhatHasNoLettersOrDigitsFeelsLikeNothing) {
  NeuralSentiment sentiment(model(), {});
  for (const char* text : {"", " ", "?!", "...\n"}) EXPECT_EQ(sentiment.score(text), 0);
  EXPECT_NE(sentiment.score("7"), 0);
  EXPECT_NE(sentiment.score("\u4e16"), 0);
}

TEST_F(TextModels, ATextThatIsLongerThanTheModelReadsIsReadFromItsBeginning) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "good ";
  NeuralSentiment sentiment(model(), {});
  EXPECT_NEAR(sentiment.score(text), sentiment.score(text + "bad"), 1e-6);
}

TEST_F(TextModels, PreparingChangesNoScore) {
  NeuralSentiment prepared(model(), {}), asked(model(), {});
  prepared.prepare({"bad", "a good film", "", "bad", "heat"});
  for (const char* text : {"bad", "a good film", "heat"})
    EXPECT_NEAR(prepared.score(text), asked.score(text), 1e-5);
}

TEST_F(TextModels, LabelsMayStandInAnyOrderAndCase) {
  const double before = NeuralSentiment(model(), {}).score("a good film");
  write({"POS", "Neutral", "NEG"});  // the same weights
  EXPECT_NEAR(NeuralSentiment(model(), {}).score("a good film"), -before, 1e-6);
  write({"LABEL_0", "LABEL_1", "LABEL_2"});
  EXPECT_NEAR(NeuralSentiment(model(), {}).score("a good film"), before, 1e-6);
}

TEST_F(TextModels, LabelsThatDoNotSayWhichIsGoodAreRefused) {
  for (const auto& labels :
       std::vector<std::vector<std::string>>{{"1 star", "2 stars"},
                                             {"negative", "other"},
                                             {"LABEL_0"},
                                             {"LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"}}) {
    write(labels);
    EXPECT_NE(refusal().find("no sentiment classifier"), std::string::npos) << labels[0];
    EXPECT_NE(refusal().find(labels.back()), std::string::npos);
  }
}

TEST_F(TextModels, AnEncoderWithoutAClassifierIsRefused) {
  model::TensorMap tensors = model::testing::encoder_tensors("bert", kVocabulary, 3);
  tensors.erase("classifier.weight");
  tensors.erase("classifier.bias");
  model::write_safetensors(model() / "model.safetensors", tensors);
  EXPECT_NE(refusal().find("has no classifier's weights"), std::string::npos);
}

TEST_F(TextModels, ATokenizerOfMoreTokensThanTheModelIsRefused) {
  write({"negative", "positive"}, kVocabulary - 1);
  EXPECT_NE(refusal().find("the model has 13 tokens, its tokenizer 14"), std::string::npos);
  EXPECT_THROW(NeuralRelevance(model(), {}), base::DataError);
  write({"negative", "positive"}, kVocabulary + 3);  // rows that no token has do no harm
  EXPECT_EQ(refusal(), "");
}

TEST_F(TextModels, WhatOneWorkedOutTheNextTakesFromTheCache) {
  const double worked_out = NeuralSentiment(model(), cache()).score("a good film");
  EXPECT_NEAR(NeuralSentiment(model(), cache()).score("a good film"), worked_out, 1e-7);
  // A value that no model would give: the next must give it back.
  ContentCache planted(cache_file(), 3);
  ASSERT_TRUE(planted.find("a good film"));
  planted.add("a good film", {{.25, .5, 1}});
  planted.save();
  EXPECT_EQ(NeuralSentiment(model(), cache()).score("a good film"), .75);
  const auto size = fs::file_size(cache_file());
  NeuralSentiment(model(), cache()).prepare({"a good film", "a good film"});
  EXPECT_EQ(fs::file_size(cache_file()), size);
}

TEST_F(TextModels, AnotherModelHasACacheOfItsOwn) {
  const double before = NeuralSentiment(model(), cache()).score("a good film");
  model::TensorMap tensors = model::testing::encoder_tensors("bert", kVocabulary, 3);
  tensors["classifier.bias"] = tensors["classifier.bias"] + torch::tensor({2.f, 0.f, 0.f});
  model::write_safetensors(model() / "model.safetensors", tensors);
  EXPECT_LT(NeuralSentiment(model(), cache()).score("a good film"), before - .01);
}

TEST_F(TextModels, RelevanceIsTheCosineOfMeanEmbeddings) {
  NeuralRelevance relevance(model(), {});
  const torch::Tensor offered = embedding("heat") + embedding("alien"),
                      wanted = embedding("a good film");
  const float cosine = (offered.dot(wanted) / (offered.norm() * wanted.norm())).item<float>();
  EXPECT_NEAR(relevance.relevance({"heat", "alien"}, {"a good film"}), std::max(0.f, cosine), 1e-5);
  EXPECT_NEAR(relevance.relevance({"a good film"}, {"heat", "", "alien"}), std::max(0.f, cosine),
              1e-5);
  EXPECT_NEAR(relevance.relevance({"a good film"}, {"a good film"}), 1, 1e-5);
}

TEST_F(TextModels, RelevanceIsNothingWhereASideSaysNothing) {
  NeuralRelevance relevance(model(), {});
  EXPECT_EQ(relevance.relevance({}, {"heat"}), 0);
  EXPECT_EQ(relevance.relevance({"heat"}, {"", "?!"}), 0);
}

TEST_F(TextModels, RelevanceIsNeverBelowNothing) {
  // Words whose embeddings point apart, of all pairs.
  const std::vector<std::string> words = {"good", "bad", "film", "heat", "alien", "long", "never"};
  NeuralRelevance relevance(model(), {});
  for (const std::string& a : words)
    for (const std::string& b : words)
      EXPECT_NEAR(relevance.relevance({a}, {b}),
                  std::max(0.f, embedding(a).dot(embedding(b)).item<float>()), 1e-5);
}

}  // namespace
}  // namespace reward
