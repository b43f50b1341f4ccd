#include "rl/token_policy.h"

#include <cmath>

#include <gtest/gtest.h>

#include "recommend/test_model.h"
#include "recommend/trained_recommender.h"

namespace rl {
namespace {

namespace testing = recommend::testing;

std::vector<Episode> episodes(const recommend::TrainedModel& model,
                              const std::vector<dialogue::Dialogue>& dialogues,
                              double temperature) {
  recommend::TrainedRecommender recommender("policy", model,
                                            {.slots = 3, .type = torch::kFloat32, .hash = "x"});
  dialogue::Sampling sampling;
  sampling.temperature = temperature;
  sampling.max_tokens = 10;
  sampling.seed = 11;
  std::vector<dialogue::State> states;
  for (const dialogue::Dialogue& dialogue : dialogues)
    states.push_back(dialogue::state_before(dialogue, 1));
  return roll_out(recommender, model.tokens, states, sampling, 96);
}

std::vector<const Episode*> pointers(const std::vector<Episode>& all) {
  std::vector<const Episode*> out;
  for (const Episode& episode : all) out.push_back(&episode);
  return out;
}

TEST(TokenPolicy, ScoresWhatTheSamplerSampled) {
  const auto dialogues = testing::dialogues(8);
  const recommend::TrainedModel model = testing::model(dialogues);
  const model::Weights weights = model::cast(model.language, torch::kFloat32);
  for (double temperature : {1., .6}) {
    const std::vector<Episode> all = episodes(model, dialogues, temperature);
    const TokenScores scores =
        score_tokens(weights, model.tokens, pointers(all), {.temperature = temperature});
    int items = 0;
    for (std::size_t b = 0; b < all.size(); ++b)
      for (std::size_t t = 0; t < all[b].tokens.size(); ++t) {
        const auto row = static_cast<std::int64_t>(b), column = static_cast<std::int64_t>(t);
        const bool is_slot = t == 1 && all[b].has_item;
        items += is_slot;
        EXPECT_EQ(scores.mask[row][column].item<bool>(), !is_slot);
        if (is_slot) continue;
        EXPECT_NEAR(scores.log_probs[row][column].item<double>(), all[b].sampled_log_probs[t],
                    1e-5);
      }
    EXPECT_GT(items, 0);
  }
}

// A model that wants to end before the item is named, where it may not: with probability 1 as far
// as floats can tell.
TEST(TokenPolicy, WhatMayNotComeTakesNoPrecisionFromTheRest) {
  const auto dialogues = testing::dialogues(16);
  recommend::TrainedModel model = testing::model(dialogues);
  {
    torch::NoGradGuard no_grad;
    torch::Tensor end = model.language.trained().values().at(
        "wte.weight")[model.tokens.special(dialogue::Special::end)];
    end.mul_(400);
  }
  const model::Weights weights = model::cast(model.language, torch::kFloat32);
  const std::vector<Episode> all = episodes(model, dialogues, 1);
  const TokenScores scores = score_tokens(weights, model.tokens, pointers(all), {});
  int long_replies = 0;
  for (std::size_t b = 0; b < all.size(); ++b) {
    const auto row = static_cast<std::int64_t>(b);
    long_replies += all[b].has_item && all[b].tokens.size() > 4;
    for (std::size_t t = 0; t < all[b].tokens.size(); ++t) {
      const auto column = static_cast<std::int64_t>(t);
      if (!scores.mask[row][column].item<bool>()) continue;
      EXPECT_NEAR(scores.log_probs[row][column].item<double>(), all[b].sampled_log_probs[t], 1e-4);
      EXPECT_GE(scores.entropies[row][column].item<double>(), -1e-5);
      EXPECT_LE(scores.entropies[row][column].item<double>(),
                std::log(model.tokens.word_rows() + 1));
    }
  }
  EXPECT_GT(long_replies, 0);
}

TEST(TokenPolicy, ARowDoesNotDependOnItsBatchMates) {
  const auto dialogues = testing::dialogues(4);
  const recommend::TrainedModel model = testing::model(dialogues);
  const model::Weights weights = model::cast(model.language, torch::kFloat32);
  const std::vector<Episode> all = episodes(model, dialogues, 1);
  const TokenScores together = score_tokens(weights, model.tokens, pointers(all));
  for (std::size_t b = 0; b < all.size(); ++b) {
    const TokenScores alone = score_tokens(weights, model.tokens, {&all[b]});
    const auto length = static_cast<std::int64_t>(all[b].tokens.size());
    const torch::Tensor row = together.log_probs[static_cast<std::int64_t>(b)];
    EXPECT_LT((row.narrow(0, 0, length) - alone.log_probs[0]).abs().max().item<float>(), 1e-5);
    EXPECT_EQ(row.narrow(0, length, row.size(0) - length).abs().sum().item<float>(), 0);  // padding
  }
}

TEST(TokenPolicy, TheValueHeadStartsAtZeroAndLearns) {
  const auto dialogues = testing::dialogues(3);
  const recommend::TrainedModel model = testing::model(dialogues);
  const std::vector<Episode> all = episodes(model, dialogues, 1);
  const ValueHead head{torch::zeros({16}).set_requires_grad(true),
                       torch::zeros({1}).set_requires_grad(true)};
  const TokenScores scores = score_tokens(model::cast(model.language, torch::kFloat32),
                                          model.tokens, pointers(all), {.value_head = &head});
  EXPECT_EQ(scores.values.abs().max().item<float>(), 0);
  (scores.values - 1).square().masked_select(scores.mask).sum().backward();
  EXPECT_GT(head.weight.grad().abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace rl
