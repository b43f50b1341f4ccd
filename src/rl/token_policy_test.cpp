#include "rl/token_policy.h"

#include <algorithm>
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

// Of the text's tokens and the one outcome beside them: the item until it is named, <|end|> then.
TEST(TokenPolicy, EntropiesAreThoseOfAllThatMayCome) {
  torch::NoGradGuard no_grad;
  const auto dialogues = testing::dialogues(8);
  const recommend::TrainedModel model = testing::model(dialogues);
  const model::Weights weights = model::cast(model.language, torch::kFloat32);
  const std::vector<Episode> all = episodes(model, dialogues, .8);
  const TokenScores scores =
      score_tokens(weights, model.tokens, pointers(all), {.temperature = .8});
  const int end = model.tokens.special(dialogue::Special::end);
  int checked = 0;
  for (std::size_t b = 0; b < all.size(); ++b) {
    std::vector<int> ids = all[b].prompt;
    ids.insert(ids.end(), all[b].tokens.begin(), all[b].tokens.end());
    const torch::Tensor hidden = model::hidden_states(weights, model::pack({ids}));
    bool to_name = all[b].has_item;
    for (std::size_t t = to_name ? 2 : 1; t < all[b].tokens.size(); ++t) {
      const bool forced = to_name && all[b].sampled_log_probs[t] == 0;
      const torch::Tensor logits =
          at::mv(weights.head, hidden[static_cast<std::int64_t>(all[b].prompt.size() + t) - 1]) /
          .8;
      const torch::Tensor log_p =
          at::log_softmax(at::cat({logits.narrow(0, 0, model.tokens.text_size()),
                                   logits[to_name ? all[b].tokens[1] : end].unsqueeze(0)}),
                          0);
      if (!forced) {
        EXPECT_NEAR(scores.entropies[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(t)]
                        .item<double>(),
                    -(log_p.exp() * log_p).sum().item<double>(), 1e-5);
        ++checked;
      }
      if (to_name && all[b].tokens[t] == all[b].tokens[1]) to_name = false;
    }
  }
  EXPECT_GT(checked, 20);
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

// Each reply `times` times over, with a first token of its own where it has no item, in an order
// that mixes the prompts.
std::vector<Episode> mixed(const std::vector<Episode>& all, int times) {
  std::vector<Episode> out;
  for (int i = 0; i < times; ++i)
    for (std::size_t b = 0; b < all.size(); ++b) {
      Episode episode = all[(b * 5 + static_cast<std::size_t>(i)) % all.size()];
      if (!episode.has_item && episode.tokens.size() > 2)
        episode.tokens[1] = (episode.tokens[1] + i) % 40;
      episode.tokens.resize(std::max<std::size_t>(3, episode.tokens.size()) - b % 2);
      episode.sampled_log_probs.resize(episode.tokens.size());
      out.push_back(std::move(episode));
    }
  return out;
}

// The mean of all that is scored, weighted, its gradient by every weight, and the scores.
struct Scored {
  TokenScores scores;
  model::TensorMap gradients;
};
Scored score_with_gradient(const recommend::TrainedModel& start,
                           const std::vector<const Episode*>& chosen, Prompts prompts) {
  const model::LanguageModel language = start.language.copy();
  const ValueHead head{at::linspace(-1, 1, 16).set_requires_grad(true),
                       torch::zeros({1}).set_requires_grad(true)};
  Scored out{score_tokens(model::cast(language, torch::kFloat32), start.tokens, chosen,
                          {.value_head = &head, .prompts = prompts}),
             {}};
  std::vector<torch::Tensor> weights;  // of a reply, whatever its place
  for (const Episode* episode : chosen)
    weights.push_back(at::cos(at::arange(out.scores.mask.size(1)) + episode->tokens[0] +
                              3 * static_cast<std::int64_t>(episode->tokens.size())));
  (at::stack(weights) *
   (out.scores.log_probs + .3 * out.scores.entropies + .5 * out.scores.values.square()))
      .masked_select(out.scores.mask)
      .mean()
      .backward();
  for (const std::string& name : language.parameters.names())
    out.gradients[name] = language.parameters.at(name).grad();
  out.gradients["value.weight"] = head.weight.grad();
  return out;
}

void expect_alike(const Scored& a, const Scored& b, double tolerance) {
  for (const auto of : {&TokenScores::log_probs, &TokenScores::entropies, &TokenScores::values})
    EXPECT_LE((a.scores.*of - b.scores.*of).abs().max().item<double>(), tolerance);
  EXPECT_TRUE(at::equal(a.scores.mask, b.scores.mask));
  for (const auto& [name, gradient] : a.gradients)
    EXPECT_LE((gradient - b.gradients.at(name)).abs().max().item<double>(), tolerance) << name;
}

TEST(TokenPolicy, RepliesThatShareTheirPromptsScoreAndLearnAsWithOnesOfTheirOwn) {
  const auto dialogues = testing::dialogues(6);
  const recommend::TrainedModel model = testing::model(dialogues);
  const std::vector<Episode> all = mixed(episodes(model, dialogues, 1), 4);
  const std::vector<const Episode*> chosen = pointers(all);
  EXPECT_LT(pack_replies(chosen).packed.ids.size(0),
            pack_replies(chosen, Prompts::repeated).packed.ids.size(0));
  const Scored shared = score_with_gradient(model, chosen, Prompts::shared);
  expect_alike(shared, score_with_gradient(model, chosen, Prompts::repeated), 1e-5);

  const std::vector<const Episode*> backward(chosen.rbegin(), chosen.rend());
  Scored turned = score_with_gradient(model, backward, Prompts::shared);
  for (const auto of :
       {&TokenScores::log_probs, &TokenScores::entropies, &TokenScores::values, &TokenScores::mask})
    turned.scores.*of = (turned.scores.*of).flip(0);
  expect_alike(shared, turned, 1e-5);
}

TEST(TokenPolicy, WhereAllPromptsDifferNothingIsShared) {
  const auto dialogues = testing::dialogues(6);
  const recommend::TrainedModel model = testing::model(dialogues);
  const std::vector<Episode> all = episodes(model, dialogues, 1);
  std::vector<const Episode*> different;
  for (const Episode& episode : all)
    if (std::none_of(different.begin(), different.end(),
                     [&](const Episode* other) { return other->prompt == episode.prompt; }))
      different.push_back(&episode);
  EXPECT_GT(different.size(), 2u);
  expect_alike(score_with_gradient(model, different, Prompts::shared),
               score_with_gradient(model, different, Prompts::repeated), 0);
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
