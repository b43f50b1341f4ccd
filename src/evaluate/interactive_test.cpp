#include "evaluate/interactive.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

// u "like @A", r "hello", u "and you?", r "@B", …; the form: A liked (own), B liked, C not liked,
// D seen only, E liked and seen, F liked (own, not named in the dialogue).
dialogue::Dialogue with_form() {
  constexpr auto kSeeker = dialogue::Role::seeker;
  constexpr auto kRecommender = dialogue::Role::recommender;
  dialogue::Dialogue dialogue;
  dialogue.id = "7";
  dialogue.turns = {test::turn("0", kSeeker, "like @", {0}), test::turn("1", kRecommender, "hello"),
                    test::turn("2", kSeeker, "and you?"), test::turn("3", kRecommender, "@", {1}),
                    test::turn("4", kSeeker, "later words")};
  dialogue.seeker_labels = {{0, false, true, true},  {1, true, false, true},
                            {2, true, false, false}, {3, true, true, std::nullopt},
                            {4, true, true, true},   {5, false, false, true}};
  return dialogue;
}

dialogue::Turn suggest(const std::vector<int>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) text += "@ ";
  return test::turn("9", dialogue::Role::recommender, text, items);
}

class FormUsers : public testing::Test {
 protected:
  dialogue::Catalogue catalogue_ = test::letters(8);
  dialogue::Dialogue dialogue_ = with_form();
  FormUser user_{dialogue_, catalogue_};
};

TEST_F(FormUsers, OpenWithWhatWasReallySaidBeforeTheFirstItemCame) {
  const dialogue::Turn first = user_.begin();
  EXPECT_EQ(first.text, "like @ and you?");
  EXPECT_EQ(first.items(), (std::vector<int>{0}));
  EXPECT_EQ(first.role, dialogue::Role::seeker);
}

TEST_F(FormUsers, OpenWithTheirOwnLikingsWhereNothingWasSaid) {
  dialogue_.turns.erase(dialogue_.turns.begin(), dialogue_.turns.begin() + 3);
  const dialogue::Turn first = user_.begin();
  EXPECT_EQ(first.text, "Hello! I liked A. I liked F.");  // never B, which was suggested to them
  EXPECT_EQ(first.items(), (std::vector<int>{0, 5}));
  EXPECT_EQ(written_out(first, catalogue_), first.text);
}

TEST_F(FormUsers, AnswerByTheForm) {
  user_.begin();
  EXPECT_EQ(user_.react(suggest({2})).turn->text, "C is not for me.");
  EXPECT_EQ(user_.react(suggest({3})).turn->text, "I have seen D already.");
  EXPECT_EQ(user_.react(suggest({6})).turn->text, "I have not heard of G.");
  EXPECT_EQ(user_.react(suggest({2, 0})).turn->text, "We had C already. We had A already.");
  const dialogue::Reaction last = user_.react(suggest({4}));
  EXPECT_EQ(last.turn->text, "I have seen E and liked it.");
  EXPECT_TRUE(last.leaves);
  EXPECT_EQ(user_.answers(),
            (std::vector<Answer>{Answer::rejected, Answer::seen, Answer::unknown, Answer::repeated,
                                 Answer::repeated, Answer::accepted_seen}));
}

TEST_F(FormUsers, NameAnotherLikingWhenNothingIsRecommended) {
  user_.begin();
  const auto first = user_.react(suggest({}));
  EXPECT_EQ(first.turn->text, "I also liked F.");
  EXPECT_FALSE(first.leaves);
  EXPECT_EQ(user_.react(suggest({})).turn->text, "I am open to anything like that.");
  EXPECT_TRUE(user_.answers().empty());
}

// Recommends items in the order given, one a turn.
class Listed : public test::FixedRecommender {
 public:
  Listed(std::string name, std::vector<int> items)
      : FixedRecommender(std::move(name), {}), items_(std::move(items)) {}
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override {
    const std::int64_t id = FixedRecommender::open(state, sampling);
    turns_[id] = static_cast<std::size_t>(state.turns / 2);  // u | u r u | u r u r u
    return id;
  }
  dialogue::Reply close(std::int64_t id) override {
    dialogue::Action action;
    action.recommends = true;
    action.item = items_[turns_.at(id) % items_.size()];
    return {id, action, {}};
  }

 private:
  std::vector<int> items_;
  std::map<std::int64_t, std::size_t> turns_;
};

class FormGames : public testing::Test {
 protected:
  dialogue::Catalogue catalogue_ = test::letters(8);
  std::vector<dialogue::Dialogue> dialogues_ = [] {
    std::vector<dialogue::Dialogue> list(3, with_form());
    for (std::size_t i = 0; i < list.size(); ++i) list[i].id = std::to_string(i);
    list[1].seeker_labels = {{2, true, false, true}};  // likes C alone
    list[2].seeker_labels = {{0, false, true, true}};  // only what they say themselves
    return list;
  }();
};

TEST_F(FormGames, AreScoredByHand) {
  // C, G, B: the first rejects C, does not know G, accepts B; the second accepts C at once. The
  // third has nothing to find.
  Listed recommender("listed", {2, 6, 1});
  const FormGame game = play_forms(recommender, test::pointers(dialogues_), catalogue_);
  ASSERT_EQ(game.episodes.size(), 2u);
  EXPECT_EQ(game.episodes[0].answers,
            (std::vector<Answer>{Answer::rejected, Answer::unknown, Answer::accepted}));
  EXPECT_EQ(game.episodes[0].success, 3);
  EXPECT_EQ(game.episodes[0].dialogue.turns.size(), 7u);
  EXPECT_EQ(game.episodes[1].success, 1);
  const InteractiveScores scores = score_forms(game);
  EXPECT_EQ(scores.dialogues, 2);
  EXPECT_DOUBLE_EQ(scores.success.value, 1);
  EXPECT_DOUBLE_EQ(scores.turns->value, 2);
  EXPECT_DOUBLE_EQ(scores.satisfaction->value, 2. / 3);  // 0, 1 | 1
  EXPECT_EQ(scores.satisfaction->n, 3);
  EXPECT_DOUBLE_EQ(scores.unknown->value, .25);
  EXPECT_EQ(scores.unknown->n, 4);
}

TEST_F(FormGames, EndAfterTheTurnsAllowed) {
  Listed recommender("unknown", {6});
  const FormGame game =
      play_forms(recommender, test::pointers(dialogues_), catalogue_, {.max_turns = 3});
  EXPECT_EQ(game.episodes[0].answers.size(), 3u);
  EXPECT_FALSE(game.episodes[0].success);
  const InteractiveScores scores = score_forms(game);
  EXPECT_DOUBLE_EQ(scores.success.value, 0);
  EXPECT_FALSE(scores.turns);
  EXPECT_DOUBLE_EQ(scores.satisfaction->value, 0);  // repeats
  EXPECT_DOUBLE_EQ(scores.unknown->value, 2. / 6);
}

TEST_F(FormGames, AllRecommendersMeetTheSamePeople) {
  Listed good("good", {2, 1}), bad("bad", {6});
  const auto games = play_forms({&good, &bad}, test::pointers(dialogues_), catalogue_);
  const Comparison row = compare_forms(games[0], games[1]);
  EXPECT_EQ(row.protocol, "interactive");
  EXPECT_EQ(row.metric, "success");
  EXPECT_DOUBLE_EQ(row.difference, 1);
  EXPECT_EQ(row.clusters, 2);
  FormGame other = games[1];
  other.episodes.pop_back();
  EXPECT_THROW(compare_forms(games[0], other), base::Error);
  EXPECT_THROW(score_forms({"nobody", {}}), base::Error);
}

TEST_F(FormGames, ALimitChoosesAtEvenDistancesAndBatchesChangeNothing) {
  Listed recommender("listed", {2, 6, 1});
  const auto pointers = test::pointers(dialogues_);
  EXPECT_EQ(play_forms(recommender, pointers, catalogue_, {.limit = 1}).episodes.size(), 1u);
  const FormGame one = play_forms(recommender, pointers, catalogue_, {.batch = 1});
  ASSERT_EQ(one.episodes.size(), 2u);
  EXPECT_EQ(one.episodes[1].source, 1);
  EXPECT_EQ(one.episodes[0].success, 3);
}

TEST_F(FormGames, PartsOfOneConversationAreOnePerson) {
  dialogues_[1].part_of = dialogues_[0].part_of = "whole";
  Listed recommender("listed", {2, 6, 1});
  const FormGame game = play_forms(recommender, test::pointers(dialogues_), catalogue_);
  EXPECT_EQ(game.episodes.size(), 1u);
}

}  // namespace
}  // namespace evaluate
