#include "dialogue/markup.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace dialogue {
namespace {

Catalogue films() {
  return Catalogue({{"a", "Heat (1995)", "", {}, {}}, {"b", "Alien", "", {}, {}}});
}

// "@" and a digit are a mention of that item.
Turn turn(Role role, const std::string& text) {
  Turn turn;
  turn.role = role;
  turn.text = text;
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + 1))
    turn.mentions.push_back({text[at + 1] - '0', at, at + 2});
  return turn;
}

std::string shown(const std::vector<Piece>& pieces) {
  std::string out;
  for (const Piece& piece : pieces)
    out += piece.kind == Piece::Kind::special ? special_name(piece.special)
           : piece.kind == Piece::Kind::item  ? "[" + std::to_string(piece.item) + "]"
                                              : piece.words;
  return out;
}

// What a model that writes this turn has written.
Action written(const Turn& turn) {
  std::vector<Piece> pieces = render_turn(turn);
  pieces.erase(pieces.begin());  // the <|recommender|> that asked for it
  return parse_action(pieces, films());
}

TEST(Markup, ATurnThatNamesItemsRecommendsTheFirst) {
  EXPECT_EQ(shown(render_turn(turn(Role::recommender, "Try @1 or @0 !"))),
            "<|recommender|><|recommend|>[1]Try[1] or[0] !<|end|>");
  EXPECT_EQ(shown(render_turn(turn(Role::recommender, "Hello"))),
            "<|recommender|><|chat|>Hello<|end|>");
  EXPECT_EQ(shown(render_turn(turn(Role::seeker, "I saw @0."))), "<|user|>I saw[0].");
}

TEST(Markup, PartsOfAnActionAreMarked) {
  const auto pieces = render_turn(turn(Role::recommender, "Try @1"));
  ASSERT_EQ(pieces.size(), 6u);
  EXPECT_EQ(pieces[0].part, Piece::Part::context);
  EXPECT_EQ(pieces[1].part, Piece::Part::mode);
  EXPECT_EQ(pieces[2].part, Piece::Part::slot);
  for (std::size_t i = 3; i < 6; ++i) EXPECT_EQ(pieces[i].part, Piece::Part::response);
}

TEST(Markup, WhatIsWrittenIsReadBackWithTitles) {
  for (const char* text :
       {"Try @1 or @0 !", "@0", "@0 and @0.", "have you seen @1?", "Hello there"}) {
    const Turn original = turn(Role::recommender, text);
    const Action action = written(original);
    EXPECT_EQ(action.text, written_out(original, films()));
    EXPECT_EQ(action.recommends, !original.mentions.empty());
    EXPECT_EQ(action.item, original.mentions.empty()
                               ? std::nullopt
                               : std::optional<int>(original.mentions[0].item));
    EXPECT_TRUE(action.ended);
    for (const Mention& mention : action.mentions)
      EXPECT_EQ(action.text.substr(mention.begin, mention.end - mention.begin),
                films()[mention.item].title);
  }
}

TEST(Markup, WhatDoesNotFollowTheGrammarIsSkipped) {
  auto special = [](Special s) {
    Piece piece;
    piece.kind = Piece::Kind::special;
    piece.special = s;
    return piece;
  };
  Piece item, words;
  item.kind = Piece::Kind::item;
  item.item = 1;
  words.words = "hi";
  const Action action = parse_action({item, special(Special::chat), special(Special::recommend),
                                      words, special(Special::end), item, words},
                                     films());
  EXPECT_FALSE(action.recommends);
  EXPECT_FALSE(action.item.has_value());
  EXPECT_EQ(action.text, "hi");
  EXPECT_TRUE(action.ended);
  EXPECT_FALSE(parse_action({special(Special::chat), words}, films()).ended);
}

TEST(Markup, APromptShowsEarlierItemsByWhatWasSaidOfThem) {
  Dialogue dialogue;
  dialogue.turns = {turn(Role::seeker, "I love @0"), turn(Role::recommender, "Try @1"),
                    turn(Role::seeker, "no"), turn(Role::recommender, "Why?"),
                    turn(Role::seeker, "so")};
  dialogue.turns[0].sentiment = .9;
  dialogue.turns[2].sentiment = -.9;
  StateOptions options;
  options.window = 1;
  EXPECT_EQ(shown(render_prompt(state_before(dialogue, 5, options))),
            "<|liked|>[0]<|disliked|>[1]<|user|>so<|recommender|>");
  options.keep_earlier_items = false;
  EXPECT_EQ(shown(render_prompt(state_before(dialogue, 5, options))), "<|user|>so<|recommender|>");
}

TEST(Markup, APartOfADialogueHasTheItemsFromBeforeInFront) {
  Dialogue dialogue;
  dialogue.turns = {turn(Role::seeker, "I saw @0"), turn(Role::recommender, "Try @1"),
                    turn(Role::seeker, "ok")};
  EXPECT_EQ(shown(render_turns(dialogue, 0, 2, {})),
            "<|user|>I saw[0]<|recommender|><|recommend|>[1]Try[1]<|end|>");
  EXPECT_EQ(shown(render_turns(dialogue, 1, 3, {})),
            "<|mentioned|>[0]<|recommender|><|recommend|>[1]Try[1]<|end|><|user|>ok");
  EXPECT_EQ(shown(render_turns(dialogue, 2, 3, {})), "<|mentioned|>[0][1]<|user|>ok");
  EXPECT_THROW(render_turns(dialogue, 2, 4, {}), base::Error);
}

TEST(Catalogue, AnIdThatAppearsTwiceIsRefused) {
  EXPECT_THROW(Catalogue({{"a", "x", "", {}, {}}, {"a", "y", "", {}, {}}}), base::Error);
  EXPECT_EQ(films().find("b"), 1);
  EXPECT_FALSE(films().find("c").has_value());
}

Action action(std::optional<int> item, std::vector<int> named) {
  Action a;
  a.item = item;
  for (int i : named) a.mentions.push_back({i, 0, 0});
  return a;
}

TEST(NamesExactly, TheChosenItemAndNoOther) {
  EXPECT_TRUE(names_exactly(action(3, {3})));
  EXPECT_FALSE(names_exactly(action(3, {})));
  EXPECT_FALSE(names_exactly(action(3, {3, 4})));
  EXPECT_TRUE(names_exactly(action(std::nullopt, {})));
}

}  // namespace
}  // namespace dialogue
