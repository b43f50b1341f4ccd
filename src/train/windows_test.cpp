#include "train/windows.h"

#include <set>

#include <gtest/gtest.h>

#include "base/error.h"
#include "train/adamw.h"
#include "train/test_dialogues.h"

namespace train {
namespace {

using dialogue::Piece;

TEST(DialogueTokens, EncodesMarkupAndReadsItBack) {
  const DialogueTokens tokens = testing::tokens();
  const dialogue::Dialogue d = testing::dialogue(0);
  const std::vector<int> ids = tokens.encode(dialogue::render_turn(d.turns[1]));
  EXPECT_EQ(ids[0], tokens.special(dialogue::Special::recommender));
  EXPECT_EQ(ids[1], tokens.special(dialogue::Special::recommend));
  EXPECT_EQ(ids[2], tokens.item(1));
  EXPECT_EQ(ids.back(), tokens.special(dialogue::Special::end));
  EXPECT_EQ(tokens.special(dialogue::Special::end), tokens.word_rows() - 1);
  const dialogue::Action action =
      dialogue::parse_action(tokens.decode({ids.begin() + 1, ids.end()}), testing::catalogue());
  EXPECT_TRUE(action.recommends);
  EXPECT_EQ(action.item, 1);
  EXPECT_TRUE(action.ended);
  EXPECT_EQ(action.text, "then watch Alien (1979) tonight");
}

TEST(DialogueTokens, PartOfACharacterIsReadAsAReplacement) {
  const DialogueTokens tokens = testing::tokens();
  const int half = *tokens.tokenizer().token_id("\xC3");  // the first byte of an accented letter
  const std::vector<Piece> pieces = tokens.decode({half, tokens.special(dialogue::Special::end)});
  EXPECT_EQ(pieces[0].words, "\uFFFD");
}

TEST(DialogueTokens, ASavedTokenizerOfAnotherCatalogueIsRefused) {
  const DialogueTokens tokens = testing::tokens();
  EXPECT_NO_THROW(DialogueTokens(tokens.tokenizer(), testing::catalogue(), "tokenizer"));
  const dialogue::Catalogue other({{"10", "Heat", "", {}, {}}, {"20", "Alien", "", {}, {}}});
  EXPECT_THROW(DialogueTokens(tokens.tokenizer(), other, "tokenizer"), base::Error);
}

TEST(DialogueTokens, APromptThatIsTooLongLosesItsOldestTurnsButKeepsTheirItems) {
  const DialogueTokens tokens = testing::tokens();
  const dialogue::State state = dialogue::state_before(testing::dialogue(0), 3);
  const std::vector<int> whole = tokens.encode_prompt(state, 1000);
  const std::vector<int> cut = tokens.encode_prompt(state, static_cast<int>(whole.size()) - 1);
  EXPECT_LT(cut.size(), whole.size());
  EXPECT_EQ(cut[0], tokens.special(dialogue::Special::mentioned));
  EXPECT_EQ(cut[1], tokens.item(0));
  const auto same_end = static_cast<std::ptrdiff_t>(cut.size()) - 2;
  EXPECT_TRUE(std::equal(cut.rbegin(), cut.rbegin() + same_end, whole.rbegin()));
}

TEST(Windows, EveryActionTokenCountsOnceHoweverTheDialogueIsCut) {
  const DialogueTokens tokens = testing::tokens();
  const dialogue::Dialogue d = testing::dialogue(1);
  const auto count = [&](int max_tokens) {
    int actions = 0;
    for (const Sequence& sequence :
         windows(d, tokens, {.max_tokens = max_tokens, .seeker_weight = 0, .state = {}})) {
      EXPECT_LE(sequence.ids.size(), static_cast<std::size_t>(max_tokens));
      for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
        EXPECT_EQ(sequence.weights[t] > 0, sequence.parts[t] != Piece::Part::context);
        actions += sequence.weights[t] > 0;
      }
    }
    return actions;
  };
  EXPECT_EQ(count(1000), count(25));
}

TEST(Windows, BatchesHoldEverySequenceOnceAndFollowSeedAndEpoch) {
  std::vector<Sequence> sequences(20);
  for (std::size_t i = 0; i < sequences.size(); ++i) sequences[i].ids.resize(i + 1);
  const auto first = batches(sequences, 30, 1, 0);
  std::set<std::size_t> seen;
  for (const auto& batch : first) {
    std::size_t used = 0;
    for (std::size_t index : batch) {
      used += index + 1;
      EXPECT_TRUE(seen.insert(index).second);
    }
    EXPECT_LE(used, 30u);
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_EQ(first, batches(sequences, 30, 1, 0));
  EXPECT_NE(first, batches(sequences, 30, 1, 1));
}

TEST(AdamW, TheFirstStepIsTheLearningRateInTheGradientsDirection) {
  torch::Tensor x = torch::tensor({1.f, -2.f}).set_requires_grad(true);
  AdamW optimiser({x}, {.weight_decay = 0});
  (x * torch::tensor({3.f, -5.f})).sum().backward();
  EXPECT_NEAR(optimiser.step(.1, 0), std::sqrt(34.), 1e-5);
  EXPECT_NEAR(x[0].item<float>(), .9, 1e-5);
  EXPECT_NEAR(x[1].item<float>(), -1.9, 1e-5);
}

TEST(AdamW, AGradientThatIsNotFiniteChangesNothing) {
  torch::Tensor x = torch::tensor({1.f}).set_requires_grad(true);
  AdamW optimiser({x}, {});
  (x * NAN).sum().backward();
  EXPECT_FALSE(std::isfinite(optimiser.step(.1, 1)));
  EXPECT_EQ(x[0].item<float>(), 1);
}

TEST(CosineSchedule, RisesToOneAndFallsToZero) {
  EXPECT_DOUBLE_EQ(cosine_schedule(5, 10, 110), .5);
  EXPECT_DOUBLE_EQ(cosine_schedule(10, 10, 110), 1);
  EXPECT_NEAR(cosine_schedule(60, 10, 110), .5, 1e-12);
  EXPECT_NEAR(cosine_schedule(110, 10, 110), 0, 1e-12);
}

}  // namespace
}  // namespace train
