#include "text/tokenizer_trainer.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/byte_alphabet.h"

namespace text {
namespace {

std::vector<std::string> learned(const Tokenizer& tokenizer) {
  const auto& tokens = tokenizer.vocabulary().tokens;
  return {tokens.begin() + 256, tokens.end()};
}

using Tokens = std::vector<std::string>;

TEST(TokenizerTrainer, TheBytesComeFirstInTheOrderOfGpt2) {
  const Tokenizer tokenizer = train_tokenizer({}, {.vocabulary_size = 300});
  EXPECT_EQ(tokenizer.size(), 256);
  EXPECT_EQ(tokenizer.token_text(0), "!");
  EXPECT_EQ(tokenizer.token_text(32), "A");
  EXPECT_EQ(tokenizer.token_text(220), " ");
}

TEST(TokenizerTrainer, TheMostFrequentPairIsMergedFirst) {
  // Words: "low" 1, " low" 2, " lower" 1, " new" 1. Pairs: lo 4, ow 4, " l" 3, we 1, er 1, " n" 1,
  // ne 1, ew 1. Of lo and ow, l < o. Then (lo)w 4, then " "(low) 3, and the rest are seen once.
  const Tokenizer tokenizer =
      train_tokenizer({"low low low lower new"}, {.vocabulary_size = 1000, .minimum_count = 2});
  EXPECT_EQ(learned(tokenizer), (Tokens{"lo", "low", " low"}));
}

TEST(TokenizerTrainer, OverlappingPairsAreCountedAfterEachMerge) {
  // "aaaa" twice: aa is seen 6 times; merged it is (aa)(aa), seen twice.
  const Tokenizer tokenizer =
      train_tokenizer({"aaaa", "aaaa"}, {.vocabulary_size = 1000, .minimum_count = 2});
  EXPECT_EQ(learned(tokenizer), (Tokens{"aa", "aaaa"}));
}

TEST(TokenizerTrainer, TheOrderOfTheTextsDoesNotMatter) {
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i)
    texts.push_back("word" + std::to_string(i * 7919 % 200) + " is a word");
  const Tokenizer forward = train_tokenizer(texts, {.vocabulary_size = 320});
  std::ranges::reverse(texts);
  EXPECT_EQ(train_tokenizer(texts, {.vocabulary_size = 320}).vocabulary(), forward.vocabulary());
}

TEST(TokenizerTrainer, EveryTokenAndEveryMergeIsThereOnce) {
  std::vector<std::string> texts;  // many ways to build the same runs of letters
  for (int length = 1; length < 40; ++length)
    texts.push_back(std::string(length, 'a') + std::string(length % 5, 'b'));
  const Vocabulary vocabulary =
      train_tokenizer(texts, {.vocabulary_size = 400, .minimum_count = 1}).vocabulary();
  auto tokens = vocabulary.tokens;
  std::ranges::sort(tokens);
  EXPECT_EQ(std::ranges::adjacent_find(tokens), tokens.end());
  std::vector<std::pair<int, int>> merges;
  for (const Merge& merge : vocabulary.merges) {
    merges.emplace_back(merge.left, merge.right);
    EXPECT_EQ(vocabulary.tokens[merge.left] + vocabulary.tokens[merge.right],
              vocabulary.tokens[merge.result]);
  }
  std::ranges::sort(merges);
  EXPECT_EQ(std::ranges::adjacent_find(merges), merges.end());
}

TEST(TokenizerTrainer, WordsThatAreNoLanguageTeachNothing) {
  const std::vector<std::string> texts = {std::string(1001, 'z') + " ok ok"};
  EXPECT_EQ(learned(train_tokenizer(texts, {.vocabulary_size = 1000})), (Tokens{"ok", " ok"}));
}

TEST(TokenizerTrainer, LessThanTheBytesIsRefused) {
  EXPECT_THROW(train_tokenizer({}, {.vocabulary_size = 255}), base::UsageError);
  EXPECT_THROW(train_tokenizer({}, {.minimum_count = 0}), base::UsageError);
}

}  // namespace
}  // namespace text
