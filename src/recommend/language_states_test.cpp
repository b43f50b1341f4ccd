#include "recommend/language_states.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "recommend/test_model.h"
#include "recommend/trained_recommender.h"

namespace recommend {
namespace {

TEST(HostsOf, APromptIsReadAsPartOfALongestThatItBegins) {
  EXPECT_EQ(hosts_of({}), std::vector<std::size_t>{});
  EXPECT_EQ(hosts_of({{1, 2}, {1, 2, 3}, {1, 2}, {4}, {1, 3}, {4}}),
            (std::vector<std::size_t>{1, 1, 1, 5, 4, 5}));
}

void expect_each_as_alone(const TrainedModel& model, const std::vector<dialogue::State>& states) {
  torch::NoGradGuard no_grad;
  const model::Weights weights = model::cast(model.language, torch::kFloat32);
  const torch::Tensor together = language_hidden(weights, model.tokens, states);
  ASSERT_EQ(together.size(0), static_cast<std::int64_t>(states.size()));
  for (std::size_t i = 0; i < states.size(); ++i)
    EXPECT_TRUE(at::allclose(together[static_cast<std::int64_t>(i)],
                             language_hidden(weights, model.tokens, {states[i]})[0], 1e-5, 1e-5))
        << i;
}

// A dialogue's states before its turns are read in one go.
TEST(LanguageHidden, IsThatOfEachStateByItself) {
  const auto training = testing::dialogues(6);
  std::vector<dialogue::State> states;
  for (const std::size_t d : {3, 0, 1, 0})  // dialogue 0 twice
    for (std::size_t turn = training[d].turns.size(); turn-- > 1;)
      states.push_back(dialogue::state_before(training[d], turn));
  expect_each_as_alone(testing::model(training), states);
}

// More tokens than are read at a time.
TEST(LanguageHidden, IsTheSameHoweverManyAreRead) {
  std::vector<dialogue::State> states;
  for (int i = 0; i < 150; ++i) {
    dialogue::Dialogue dialogue = train::testing::dialogue(i);
    dialogue.turns[0].text += " " + std::to_string(i) + std::string(40, '!');
    states.push_back(dialogue::state_before(dialogue, 3));
    states.push_back(dialogue::state_before(dialogue, 1));
  }
  expect_each_as_alone(testing::model(testing::dialogues(6)), states);
}

TEST(LanguageStates, AreWhatTheModelGivesInAnyOrderAndNumber) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  LanguageStates states(model.language, model.tokens, torch::kFloat32);
  const dialogue::State a = dialogue::state_before(training[0], 1),
                        b = dialogue::state_before(training[1], 3),
                        c = dialogue::state_before(training[2], 2);
  EXPECT_EQ(states.read({}).size(0), 0);
  for (const auto& asked : std::vector<std::vector<dialogue::State>>{{b}, {a, b, a}, {c, a}}) {
    const torch::Tensor expected = language_hidden(states.weights(), model.tokens, asked);
    EXPECT_TRUE(at::allclose(states.read(asked), expected, 1e-5, 1e-6));
  }
}

TEST(LanguageStates, APromptIsReadOnce) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  LanguageStates states(model.language, model.tokens, torch::kFloat32);
  const dialogue::State a = dialogue::state_before(training[0], 1),
                        b = dialogue::state_before(training[1], 3);
  const torch::Tensor before = states.read({a});
  {
    torch::NoGradGuard no_grad;  // another model would give other numbers
    states.weights().embedding.neg_();
  }
  EXPECT_TRUE(at::equal(states.read({b, a})[1], before[0]));
  EXPECT_FALSE(at::allclose(language_hidden(states.weights(), model.tokens, {a}), before));
}

// How a recommender of a model ranks the states before all turns, with options of its own.
template <class Recommender>
std::vector<std::vector<float>> rank_all(const TrainedModel& model,
                                         const std::vector<dialogue::Dialogue>& dialogues,
                                         const ReplyOptions& options) {
  std::vector<dialogue::State> states;
  for (const dialogue::Dialogue& dialogue : dialogues)
    for (std::size_t turn = 1; turn < dialogue.turns.size(); ++turn)
      states.push_back(dialogue::state_before(dialogue, turn));
  return Recommender("sft", model, options).rank(states);
}

void expect_near(const std::vector<std::vector<float>>& a,
                 const std::vector<std::vector<float>>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t s = 0; s < a.size(); ++s)
    for (std::size_t i = 0; i < a[s].size(); ++i) EXPECT_NEAR(a[s][i], b[s][i], 1e-5);
}

TEST(LanguageStates, RecommendersThatShareThemRankAsByThemselves) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  const TrainedModel without{model.catalogue, model.state, model.tokens, model.language,
                             model.ranker.without_term("last")};
  LanguageStates states(model.language, model.tokens, torch::kFloat32);
  const ReplyOptions alone{.hash = "x"}, shared{.hash = "x", .states = &states};
  for (const TrainedModel* ranked : {&model, &without}) {
    expect_near(rank_all<TrainedRecommender>(*ranked, training, shared),
                rank_all<TrainedRecommender>(*ranked, training, alone));
    expect_near(rank_all<LanguageTermRecommender>(*ranked, training, shared),
                rank_all<LanguageTermRecommender>(*ranked, training, alone));
  }
}

TEST(LanguageStates, OfAnotherTypeThanTheRecommenderAreRefused) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  LanguageStates states(model.language, model.tokens, torch::kBFloat16);
  EXPECT_THROW(TrainedRecommender("sft", model, {.hash = "x", .states = &states}), base::Error);
}

}  // namespace
}  // namespace recommend
