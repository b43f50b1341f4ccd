#include "reward/language_scorer.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "model/folder.h"
#include "text/tokenizer_trainer.h"

namespace reward {
namespace {

constexpr int kEnd = 39;

model::LanguageModel small() {
  return model::random_model(model::gpt2_config(1, 2, 16, 32, 40), 3);
}

// Token 7 pleases, token 8 does not; the rest is noise.
std::vector<ScoredSequence> tasted(int count) {
  base::Random random({.seed = 5, .stage = "test"});
  std::vector<ScoredSequence> out;
  for (int i = 0; i < count; ++i) {
    const bool good = random.chance(.5);
    std::vector<int> ids;
    for (int t = 0; t < 4 + i % 5; ++t) ids.push_back(10 + static_cast<int>(random.below(20)));
    ids[1 + random.below(2)] = good ? 7 : 8;
    ids.push_back(kEnd);
    out.push_back({ids, good ? 3. : 1., i % 10 == 0});
  }
  return out;
}

LanguageScorer trained() {
  return train_language_scorer(small(), kEnd, tasted(400),
                               {.epochs = 6, .learning_rate = 5e-3, .batch_tokens = 200},
                               torch::kFloat32, 1, base::silent_console());
}

TEST(LanguageScorer, LearnsWhatPleasesAndKeepsTheScale) {
  const std::vector<double> scores =
      trained().score({{12, 7, 13, 14, kEnd}, {12, 8, 13, 14, kEnd}});
  EXPECT_NEAR(scores[0] - scores[1], 2, .5);
}

TEST(LanguageScorer, AScoreDependsNeitherOnNeighboursNorOnPadding) {
  const LanguageScorer scorer = trained();
  const std::vector<int> one = {12, 7, 13}, other = {12, 8, 13, 20, 21, 22, 23};
  const double alone = scorer.score({one})[0];
  EXPECT_NEAR(scorer.score({other, one, other})[1], alone, 1e-5);
  std::vector<int> padded = one;
  padded.insert(padded.end(), {kEnd, kEnd});
  EXPECT_NEAR(scorer.score({padded})[0], alone, 1e-5);
}

TEST(LanguageScorer, WithNothingToLearnItScoresAlike) {
  std::vector<ScoredSequence> noise = tasted(60);
  base::Random random({.seed = 6, .stage = "test"});
  for (ScoredSequence& sequence : noise) sequence.target = random.normal();
  const LanguageScorer scorer = train_language_scorer(
      small(), kEnd, noise, {.epochs = 1, .learning_rate = 0, .batch_tokens = 200}, torch::kFloat32,
      1, base::silent_console());
  EXPECT_EQ(scorer.score({{12, 7, 13}})[0], 0);
}

TEST(LanguageScorer, ComesBackFromItsFolder) {
  const LanguageScorer scorer = trained();
  base::TemporaryFolder folder;
  const text::Tokenizer text = text::train_tokenizer({"ab"}, {.vocabulary_size = 258});
  model::LanguageModel language =
      model::random_model(model::gpt2_config(1, 2, 16, 32, text.size() + 1), 3);
  const LanguageScorer larger(language, torch::arange(16).to(torch::kFloat32).view({1, 16}),
                              text.size(), torch::kFloat32);
  larger.write(folder.path(), text.with_added_tokens({"<|end|>"}));
  EXPECT_NEAR(LanguageScorer::read(folder.path(), torch::kFloat32).score({{12, 7, 13}})[0],
              larger.score({{12, 7, 13}})[0], 1e-5);
}

TEST(LanguageScorer, AHeadOfAnotherWidthIsRefused) {
  base::TemporaryFolder folder;
  for (const torch::Tensor& head :
       {torch::ones({1, 15}), torch::ones({2, 16}), torch::ones({16})}) {
    model::write_scorer(folder.path(), small(), head, kEnd);
    try {
      LanguageScorer::read(folder.path(), torch::kFloat32);
      ADD_FAILURE() << "read";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::data);
      EXPECT_NE(std::string(error.what()).find("expected [1, 16]"), std::string::npos);
    }
  }
}

TEST(LanguageScorer, ASequenceOfNothingButPaddingIsRefused) {
  const LanguageScorer scorer(small(), torch::ones({1, 16}), kEnd, torch::kFloat32);
  EXPECT_THROW(scorer.score({{kEnd, kEnd}}), base::Error);
  EXPECT_THROW(scorer.score({{}}), base::Error);
  EXPECT_TRUE(scorer.score({}).empty());
}

}  // namespace
}  // namespace reward
