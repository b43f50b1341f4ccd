#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "metrics/correlation.h"
#include "reward/reward_model.h"
#include "reward/sparse_linear.h"

namespace reward {
namespace {

TEST(SparseLinear, LearnsWordsAndComesBackFromJson) {
  std::vector<LinearExample> examples;
  for (int i = 0; i < 60; ++i)
    examples.push_back({ngram_features({i % 2 ? "great" : "awful", "film"}), i % 2 ? 1. : 0., 1});
  const SparseLinear model(examples, {});
  EXPECT_GT(model.probability(ngram_features({"great", "film"})), .9);
  EXPECT_LT(model.probability(ngram_features({"awful", "film"})), .1);
  const SparseLinear back = SparseLinear::from_json(model.to_json(), "test");
  EXPECT_EQ(back.score(ngram_features({"great"})), model.score(ngram_features({"great"})));
  EXPECT_THROW(SparseLinear::from_json({{"bias", 1.}}, "test"), base::DataError);
}

TEST(SparseLinear, CalibrationTurnsBoldLogitsIntoShares) {
  // Logits of +-4 that are right three times out of four.
  SparseLinear model({{{{"x", 1.}}, 1, 1}}, {.min_count = 1});
  std::vector<double> logits, outcomes;
  for (int i = 0; i < 400; ++i) {
    logits.push_back(i % 2 ? 4 : -4);
    outcomes.push_back((i % 2) == (i % 8 < 6) ? 1 : 0);
  }
  model.calibrate(logits, outcomes);
  EXPECT_NEAR(model.calibrated(4), .75, .02);
  EXPECT_NEAR(model.calibrated(-4), .25, .02);
}

TEST(Calibration, GivesMeanZeroAndDeviationOne) {
  // mean 2.5, deviation .5 -> gain 2, bias -5 (lm-human-preferences' rule)
  const Calibration c = calibrate({2.5 - .5, 2.5 + .5, 2.5 - .5, 2.5 + .5});
  EXPECT_NEAR(c.gain, 1 / std::sqrt(1. / 3), 1e-12);  // unbiased deviation of four values half away
  EXPECT_NEAR(c.apply(2.5), 0, 1e-12);
}

dialogue::Action action(std::optional<int> item, std::vector<int> named) {
  dialogue::Action a;
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

// People who named item 0 like 2 and not 3; people who named item 1 the other way round.
struct Taste {
  std::vector<Outcome> outcomes;
  std::vector<recommend::RankContext> states;
  std::vector<bool> held_out;
  recommend::Counts counts;
  recommend::WordTable words;

  Taste() {
    std::vector<dialogue::Dialogue> dialogues;
    for (int d = 0; d < 200; ++d) {
      dialogue::Dialogue dialogue;
      dialogue::Turn first, second;
      first.text = "@";
      first.mentions = {{d % 2, 0, 1}};
      second.role = dialogue::Role::recommender;
      second.text = "@";
      second.mentions = {{2 + (d / 2) % 2, 0, 1}};
      dialogue.turns = {first, second};
      dialogues.push_back(dialogue);
      Outcome outcome;
      outcome.dialogue = d;
      outcome.turn = 1;
      outcome.item = second.mentions[0].item;
      const bool likes = (d % 2) == outcome.item - 2;
      outcome.liked = likes;
      outcome.targets[static_cast<std::size_t>(Head::liked)] = likes;
      outcome.weights[static_cast<std::size_t>(Head::liked)] = 1;
      outcome.targets[static_cast<std::size_t>(Head::blend)] = likes ? 1 : -1;
      outcome.weights[static_cast<std::size_t>(Head::blend)] = 1;
      outcomes.push_back(outcome);
      held_out.push_back(d % 10 == 7 || d % 10 == 4);
    }
    std::vector<const dialogue::Dialogue*> pointers;
    for (const dialogue::Dialogue& dialogue : dialogues) pointers.push_back(&dialogue);
    for (const dialogue::Dialogue& dialogue : dialogues)
      states.push_back(recommend::context_of(dialogue::state_before(dialogue, 1), words));
    counts = recommend::Counts(pointers, words, 4);
  }

  Predictor predictor() const {
    const std::vector<std::vector<int>> item_words(4);
    return train_predictor(
        {.members = 2, .width = 8, .epochs = 15, .learning_rate = 1e-2, .dropout = 0},
        {outcomes, states, counts, item_words, held_out, 1, base::silent_console()});
  }
};

TEST(Predictor, LearnsWhoLikesWhat) {
  const Taste taste;
  const torch::Tensor scores =
      taste.predictor().item_scores({taste.states[0], taste.states[1]}, Head::liked).mean(0);
  EXPECT_GT(scores[0][2].item<float>(), scores[0][3].item<float>());
  EXPECT_GT(scores[1][3].item<float>(), scores[1][2].item<float>());
}

TEST(Predictor, NeverLooksAtHeldOutDialogues) {
  Taste taste;
  const torch::Tensor before = taste.predictor().item_scores({taste.states[0]}, Head::liked);
  for (Outcome& outcome : taste.outcomes)
    if (taste.held_out[static_cast<std::size_t>(outcome.dialogue)])
      for (double& target : outcome.targets) target = 1 - target;
  EXPECT_TRUE(taste.predictor().item_scores({taste.states[0]}, Head::liked).equal(before));
}

TEST(RewardModel, ComesBackFromItsFolderAndAppliesItsCalibration) {
  const Taste taste;
  RewardModel model(RewardSettings{}, taste.words, taste.predictor(), SparseLinear());
  const torch::Tensor plain = model.item_scores({taste.states[0]});
  model.set_item_calibration({2, 1});
  base::TemporaryFolder folder;
  model.write(folder.path());
  const torch::Tensor back = RewardModel::read(folder.path()).item_scores({taste.states[0]});
  EXPECT_LT((back - (2 * plain + 1)).abs().max().item<float>(), 1e-5);
}

TEST(RewardModel, WordsThatNameTheChosenItemScoreHigher) {
  const Taste taste;
  const RewardModel model(RewardSettings{}, taste.words, taste.predictor(), SparseLinear());
  EXPECT_NEAR(model.response_score({}, action(2, {2})) - model.response_score({}, action(2, {})), 2,
              1e-9);
}

}  // namespace
}  // namespace reward
