#include "recommend/counted_terms.h"

#include <cmath>

#include <gtest/gtest.h>

#include "recommend/priors.h"
#include "recommend/test_model.h"

namespace recommend {
namespace {

// [1, N] of every counted term, for one context.
struct Scored {
  std::string name;
  torch::Tensor row;
};
std::vector<Scored> all_scores(const RankContext& context, const RankerTables& tables,
                               const DialogueCounts* without) {
  torch::NoGradGuard no_grad;
  model::ParameterSet parameters;
  add_word_parameters(tables, parameters);
  add_cooccurrence_parameters(tables, parameters);
  const std::vector<RankContext> contexts = {context};
  std::vector<const DialogueCounts*> own;
  if (without) own.push_back(without);
  const CountedInput input{contexts, own};
  std::vector<Scored> all = {{"words", word_scores(input, tables, parameters)},
                             {"cooccurrence", cooccurrence_scores(input, tables, parameters)},
                             {"similar", similar_scores(input, tables)},
                             {"last", last_scores(input, tables)}};
  for (const NamedPrior& prior : all_priors()) {
    torch::Tensor row = torch::empty({1, tables.counts.items()});
    prior.prior(context, tables, without, row.data_ptr<float>());
    all.push_back({prior.name, row});
  }
  return all;
}

TEST(CountedTerms, CooccurrenceIsTheFormulaAndLeavesTheOwnDialogueOut) {
  // Dialogues 0, 1, 2 name (0, 1), (1, 2), (2, 0); the second of each is recommended.
  const auto training = testing::dialogues(3);
  const RankerTables tables = testing::tables(testing::pointers(training));
  const RankContext context =
      context_of(dialogue::state_before(training[0], 1), tables.words);  // names item 0
  const torch::Tensor row = all_scores(context, tables, nullptr)[1].row[0];
  // n(0, 1) = 1, n_0 = 2, pop_1 = 1: log(.02 + 1 / sqrt(7 * 6))
  EXPECT_NEAR(row[1].item<float>(), std::log(.02 + 1 / std::sqrt(42.)), 1e-5);
  const DialogueCounts own = count_dialogue(training[0], tables.words);
  const torch::Tensor without = all_scores(context, tables, &own)[1].row[0];
  EXPECT_NEAR(without[1].item<float>(), std::log(.02), 1e-5);  // only dialogue 0 had both
  EXPECT_NEAR(without[2].item<float>(), std::log(.02 + 1 / std::sqrt(6. * 6.)),
              1e-5);  // n_0 = 1 without dialogue 0, pop_2 = 1
}

TEST(CountedTerms, LeavingADialogueOutIsCountingWithoutIt) {
  const auto training = testing::dialogues(7);
  const auto all = testing::pointers(training);
  const std::vector<const dialogue::Dialogue*> others(all.begin() + 1, all.end());
  const RankerTables tables = testing::tables(all);
  RankerTables without = testing::tables(all);
  without.counts = Counts(others, tables.words, 3);
  const DialogueCounts own = count_each(all, tables.words)[0];
  const RankContext context = context_of(dialogue::state_before(training[0], 3), tables.words);
  const auto left_out = all_scores(context, tables, &own),
             counted = all_scores(context, without, nullptr);
  for (std::size_t t = 0; t < left_out.size(); ++t) {
    if (left_out[t].name == "neighbours") continue;  // not made of counts: see below
    EXPECT_TRUE(at::allclose(left_out[t].row, counted[t].row, 1e-5, 1e-5)) << left_out[t].name;
  }
}

TEST(Neighbours, TheOwnDialogueDoesNotVoteAndSharesAddUp) {
  RankExample first, second;
  first.dialogue = 0;
  first.context.late_words = {0, 1};
  first.targets = {4};
  second.dialogue = 1;
  second.context.late_words = {1, 2};
  second.targets = {5};
  const Neighbours neighbours({first, second}, 3);
  RankContext asked;
  asked.late_words = {0, 1};
  const auto all = neighbours.votes(asked, -1, 10);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NEAR(all[0].second + all[1].second, 1, 1e-6);
  EXPECT_GT(all[0].second, all[1].second);  // two words alike
  const auto without = neighbours.votes(asked, 0, 10);
  ASSERT_EQ(without.size(), 1u);
  EXPECT_EQ(without[0].first, 5);
  EXPECT_EQ(neighbours.votes(asked, -1, 1).size(), 1u);
  EXPECT_TRUE(neighbours.votes(RankContext{}, -1, 10).empty());
}

TEST(Entities, NamesAreFoundLongestFirstAndOneNameIsOnePerson) {
  std::vector<dialogue::Item> items(2);
  items[0].id = "a";
  items[0].attributes = {{"star", {"Tom Hanks", "Tom Hanks Junior"}}, {"director", {"Tom Hanks"}}};
  items[1].id = "b";
  items[1].attributes = {{"star", {"TOM HANKS"}},
                         {"plot", {"A man waits for a bus and tells his life to all"}}};
  const Entities entities{dialogue::Catalogue(items)};
  EXPECT_EQ(entities.size(), 2);  // the plot is a text
  const auto named = entities.named_in(split_words("I love Tom Hanks, junior! tom hanks too"));
  ASSERT_EQ(named.size(), 2u);
  EXPECT_EQ(entities.name(named[0]), "Tom Hanks Junior");
  EXPECT_EQ(entities.items(named[1]), (std::vector<int>{0, 1}));
}

}  // namespace
}  // namespace recommend
