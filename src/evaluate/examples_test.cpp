#include "evaluate/examples.h"

#include <set>

#include <gtest/gtest.h>

#include "evaluate/comparison.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

// Counts the states that it was asked for.
class Counting : public test::FixedRecommender {
 public:
  using FixedRecommender::FixedRecommender;
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override {
    asked += states.size();
    return FixedRecommender::rank(states);
  }
  std::size_t asked = 0;
};

class ExampleLists : public testing::Test {
 protected:
  // By length of the dialogue so far, so that a wrong state gives a wrong rank.
  Counting recommender_{"fixed", [](const dialogue::State& state) {
                          std::vector<float> row(6);
                          for (int i = 0; i < 6; ++i)
                            row[static_cast<std::size_t>(i)] =
                                -static_cast<float>((i + state.turns) % 6);
                          return row;
                        }};
  // two_dialogues, and r "@B" "@C" after u "@A" (9/1, 9/2).
  std::vector<dialogue::Dialogue> dialogues_ = [] {
    auto list = test::two_dialogues();
    dialogue::Dialogue third;
    third.id = "9";
    third.turns = {test::turn("0", dialogue::Role::seeker, "@", {0}),
                   test::turn("1", dialogue::Role::recommender, "@", {1}),
                   test::turn("2", dialogue::Role::recommender, "@ @", {2, 2})};
    list.push_back(third);
    return list;
  }();
};

TEST_F(ExampleLists, EveryStateIsRankedOnceForAllRules) {
  const Examples examples = make_examples(test::pointers(dialogues_));
  const auto catalogue = test::letters(6);
  const ExampleRankings rankings = rank_examples(recommender_, examples, catalogue);
  // own: 7/1 7/3 8/3 9/1 9/2; kbrd besides: 8/0, and 8/2 where the block "nothing" "E F" begins;
  // 7/1, 7/3 and 9/1 are shared.
  EXPECT_EQ(recommender_.asked, 7u);
  EXPECT_EQ(rankings.own.instances.size(), 5u);
  EXPECT_EQ(rankings.kbrd.instances.size(), 5u);
  EXPECT_EQ(rankings.unicrs.instances.size(), 4u);
  for (const auto* list : {&examples.own, &examples.kbrd, &examples.unicrs}) {
    const ModelRanking alone = rank_instances(recommender_, *list, catalogue);
    const ModelRanking& together = list == &examples.own    ? rankings.own
                                   : list == &examples.kbrd ? rankings.kbrd
                                                            : rankings.unicrs;
    for (std::size_t i = 0; i < list->size(); ++i) {
      EXPECT_EQ(together.instances[i].ranks, alone.instances[i].ranks);
      EXPECT_EQ(together.instances[i].masked_ranks, alone.instances[i].masked_ranks);
    }
  }
}

TEST_F(ExampleLists, AllProtocolsStandBesideEachOtherWithTheirCounts) {
  const Examples examples = make_examples(
      test::pointers(dialogues_), {.frequencies = std::vector<std::int64_t>(6, 1), .seed = 1});
  const ModelScores scores =
      score_examples(rank_examples(recommender_, examples, test::letters(6)), examples);
  const auto pairs = [&](const char* protocol) {
    return scores.protocols.at(protocol).pairs[0].count;
  };
  EXPECT_EQ(pairs("v1"), 8u);          // BC AD EF B C
  EXPECT_EQ(pairs("v1-kbrd"), 9u);     // BC AD E EF BC
  EXPECT_EQ(pairs("v1-unicrs"), 10u);  // BCB AD EF BCC
  EXPECT_EQ(pairs("v2"), 6u);
  EXPECT_EQ(pairs("v2-kbrd"), 7u);
  EXPECT_EQ(pairs("v2-unicrs"), 8u);
  EXPECT_EQ(scores.protocols.at("v1-unicrs").messages[0].count, 4u);
  EXPECT_EQ(scores.protocols.count("v4-uniform-19"), 0u);  // 6 items are too few
  EXPECT_FALSE(scores.slices.empty());
  EXPECT_EQ(scores.lists.size(), 2u);
  EXPECT_TRUE(scores.dialogues);
}

TEST_F(ExampleLists, EveryOwnFigurePerPairHasItsInterval) {
  const Examples examples = make_examples(test::pointers(dialogues_));
  const ExampleRankings rankings = rank_examples(recommender_, examples, test::letters(6));
  const metrics::BootstrapOptions options{.resamples = 500, .place = {.seed = 3, .stage = "test"}};
  const ModelScores scores = score_examples(rankings, examples, options);
  const ProtocolScores& v1 = scores.protocols.at("v1");
  EXPECT_EQ(v1.intervals.size(), 3 * std::size(kCutoffs));
  const ProtocolRanks ranks = ranks_in(Protocol::v1, rankings.own, examples.own);
  const auto alone = metrics::bootstrap_mean(pair_values(ranks, "ndcg@5"), ranks.clusters, options);
  EXPECT_EQ(v1.intervals.at("ndcg@5").low, alone->low);
  EXPECT_EQ(v1.intervals.at("ndcg@5").high, alone->high);
  EXPECT_LE(v1.intervals.at("ndcg@5").low, v1.pairs[1].ndcg);
  EXPECT_TRUE(scores.protocols.at("v1-kbrd").intervals.empty());
}

TEST_F(ExampleLists, AMentionTwiceIsTwoPairsButOneItemOfItsMessage) {
  const Examples examples = make_examples(test::pointers(dialogues_));
  const ExampleRankings rankings = rank_examples(recommender_, examples, test::letters(6));
  const ProtocolRanks ranks = ranks_in(Protocol::v1, rankings.unicrs, examples.unicrs);
  EXPECT_EQ(ranks.pairs.size(), 10u);
  EXPECT_EQ(ranks.messages.back().size(), 2u);  // B C C
}

TEST_F(ExampleLists, ScoresAreReadBackAsTheyWere) {
  const Examples examples = make_examples(
      test::pointers(dialogues_), {.frequencies = std::vector<std::int64_t>(150, 1), .seed = 1});
  test::FixedRecommender flat("flat",
                              [](const dialogue::State&) { return std::vector<float>(150); });
  ModelScores scores = score_examples(rank_examples(flat, examples, test::letters(150)), examples);
  scores.interactive = InteractiveScores{.dialogues = 3,
                                         .success = {.5, .4, .6, 3},
                                         .turns = Estimate{1, 1, 1, 2},
                                         .satisfaction = {},
                                         .unknown = Estimate{.9, .8, 1, 12}};
  EXPECT_EQ(scores.protocols.count("v4-popular-99"), 1u);
  const base::Json json = to_json(scores);
  EXPECT_EQ(to_json(model_scores_from_json(json, "test")), json);
  EXPECT_TRUE(json["scores"]["interactive"]["satisfaction"].is_null());
  EXPECT_EQ(json["scores"]["dialogues"]["n"], 2);
}

}  // namespace
}  // namespace evaluate
