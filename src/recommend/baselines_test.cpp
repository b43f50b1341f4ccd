#include "recommend/baselines.h"

#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>

#include "metrics/ranking.h"

namespace recommend {
namespace {

dialogue::Turn turn(dialogue::Role role, const std::vector<int>& items) {
  dialogue::Turn turn;
  turn.role = role;
  for (int item : items) {
    turn.mentions.push_back({item, turn.text.size(), turn.text.size() + 1});
    turn.text += "x ";
  }
  return turn;
}

dialogue::Dialogue of(const std::vector<dialogue::Turn>& turns) {
  dialogue::Dialogue dialogue;
  dialogue.turns = turns;
  return dialogue;
}

constexpr auto kSeeker = dialogue::Role::seeker;
constexpr auto kRecommender = dialogue::Role::recommender;

class Baselines : public testing::Test {
 protected:
  // Recommended: item 0 twice, 1 once, 2 three times, 3 and 4 never. Items 3 and 1 stand together.
  Baselines()
      : catalogue_({{"a", "A", "", {}, {}},
                    {"b", "B", "", {}, {}},
                    {"c", "C", "", {}, {}},
                    {"d", "D", "", {}, {{"star", {"Ann Lee"}}}},
                    {"e", "E", "", {}, {{"star", {"Ann Lee"}}}}}) {
    const std::vector<dialogue::Dialogue> training = {
        of({turn(kSeeker, {3}), turn(kRecommender, {1})}),
        of({turn(kSeeker, {}), turn(kRecommender, {2, 0}), turn(kRecommender, {2})}),
        of({turn(kRecommender, {2}), turn(kRecommender, {0})})};
    std::vector<const dialogue::Dialogue*> pointers;
    for (const auto& dialogue : training) pointers.push_back(&dialogue);
    tables_ = make_tables(WordTable(), Entities(catalogue_),
                          Counts(pointers, WordTable(), catalogue_.size()), {}, catalogue_);
  }
  BaselineRecommender recommender(const std::string& name, std::size_t setting = 0) {
    for (const BaselineKind& kind : all_baselines())
      if (kind.name == name) return {name, kind.fit({tables_, training_}, setting), catalogue_};
    throw std::runtime_error("no baseline " + name);
  }
  std::vector<std::size_t> order(const std::string& name, const std::vector<int>& named) {
    BaselineRecommender recommender = this->recommender(name);
    const auto row = recommender.rank({after(named)})[0];
    double sum = 0;
    for (float log_probability : row) sum += std::exp(log_probability);
    EXPECT_NEAR(sum, 1, 1e-5);
    return metrics::best_indices(std::span<const float>(row), row.size());
  }
  static dialogue::State after(const std::vector<int>& named) {
    std::vector<dialogue::Turn> turns;
    for (int item : named) turns.push_back(turn(kSeeker, {item}));
    const dialogue::Dialogue dialogue = of(turns);
    return dialogue::state_before(dialogue, turns.size());
  }
  dialogue::Catalogue catalogue_;
  RankerTables tables_;
  std::vector<const dialogue::Dialogue*> training_;
};

using Order = std::vector<std::size_t>;

TEST_F(Baselines, PopularityIsHowOftenTheRecommenderNamedIt) {
  EXPECT_EQ(order("popularity", {}), (Order{2, 0, 1, 3, 4}));
  EXPECT_EQ(order("popularity", {4}), (Order{2, 0, 1, 3, 4}));
}

TEST_F(Baselines, CopyPutsTheLastNamedFirst) {
  EXPECT_EQ(order("copy", {4, 1}), (Order{1, 4, 2, 0, 3}));
  EXPECT_EQ(order("copy", {4, 1, 4}), (Order{4, 1, 2, 0, 3}));
}

TEST_F(Baselines, CooccurrenceKnowsWhatStandsTogether) {
  EXPECT_EQ(order("cooccurrence", {3}), (Order{1, 2, 0, 3, 4}));
  EXPECT_EQ(order("cooccurrence", {}), (Order{2, 0, 1, 3, 4}));
  // After 2: 0 stands with it in two dialogues, nothing else does.
  EXPECT_EQ(order("cooccurrence", {2}), (Order{0, 2, 1, 3, 4}));
}

TEST_F(Baselines, EaseIsTheClosedForm) {
  // Items 0 and 2 stand together in two dialogues and are each in two: with lambda 100 their block
  // of X'X + lambda I is [[102, 2], [2, 102]], so B[2, 0] = 2 / 102. Equal weights are decided by
  // popularity: 2.5 and 1.5 of 3.5, a millionth.
  const auto row = recommender("ease").rank({after({2})})[0];
  EXPECT_NEAR(row[0] - row[1], std::log((2. / 102 + 1e-6 * 2.5 / 3.5) / (1e-6 * 1.5 / 3.5)), 1e-4);
}

TEST_F(Baselines, TheGraphFindsWhatSharesAPersonThoughNobodyNamedIt) {
  EXPECT_EQ(order("graph", {3})[0], 3u);  // itself shares most; both have Ann Lee
  EXPECT_EQ(order("graph", {3})[1], 4u);
  EXPECT_EQ(order("graph+cooccurrence+copy", {1})[0], 1u);
}

TEST_F(Baselines, RepliesRecommendTheBestNewItem) {
  BaselineRecommender recommender = this->recommender("popularity");
  const auto replies = dialogue::reply_to_all(recommender, {after({2}), after({})}, {});
  EXPECT_EQ(replies[0].action.text, "You might like A.");
  EXPECT_EQ(replies[0].action.item, 0);
  ASSERT_EQ(replies[0].action.mentions.size(), 1u);
  EXPECT_EQ(replies[0].action.text.substr(replies[0].action.mentions[0].begin, 1), "A");
  EXPECT_EQ(replies[1].action.item, 2);
  EXPECT_EQ(replies[1].decision.shown.at(0).propensity, 1);
  ASSERT_EQ(replies[1].decision.candidates.size(), 5u);
  EXPECT_NEAR(replies[1].decision.candidates[0].second, 3.5 / 8.5, 1e-12);  // 3.5 2.5 1.5 .5 .5
}

TEST_F(Baselines, WhenEverythingWasNamedTheBestOfAllIsRecommendedAgain) {
  BaselineRecommender recommender = this->recommender("popularity");
  EXPECT_EQ(dialogue::reply_to_all(recommender, {after({0, 1, 2, 3, 4})}, {})[0].action.item, 2);
}

TEST_F(Baselines, AReplyEndedEarlySaysNothing) {
  BaselineRecommender recommender = this->recommender("copy");
  const auto id = recommender.open(after({1}), {});
  EXPECT_EQ(recommender.close(id).action.text, "");
  EXPECT_TRUE(recommender.step().empty());
}

}  // namespace
}  // namespace recommend
