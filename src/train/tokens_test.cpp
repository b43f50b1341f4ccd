#include "train/tokens.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
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

TEST(DialogueTokens, ATokenizerThatHasTheMarkupAlreadyIsRefused) {
  const DialogueTokens tokens = testing::tokens();
  EXPECT_THROW(DialogueTokens(tokens.tokenizer(), testing::catalogue()), base::Error);
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

}  // namespace
}  // namespace train
