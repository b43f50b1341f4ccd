#include "rl/plain_tokens.h"

#include <cmath>

#include <gtest/gtest.h>

#include "model/language_model.h"
#include "model/layout.h"

namespace rl {
namespace {

struct Plain {
  model::LanguageModel language = model::random_model(model::gpt2_config(2, 2, 16, 12, 11), 3);
  model::Weights weights = [this] {
    torch::NoGradGuard no_grad;
    torch::Tensor embedding =
        language.parameters.at(model::outer_names(language.config.family).embedding);
    embedding.mul_(20);  // far from uniform
    return model::cast(language, torch::kFloat32);
  }();

  std::vector<Episode> sample(int replies, double temperature) const {
    std::vector<std::vector<int>> prompts;
    for (int i = 0; i < replies; ++i)
      prompts.push_back(std::vector<int>(static_cast<std::size_t>(i % 3 + 1), 10));
    return sample_plain(weights, prompts,
                        {.rows = 7, .length = 5, .temperature = temperature, .seed = 4});
  }
};

std::vector<const Episode*> pointers(const std::vector<Episode>& episodes) {
  std::vector<const Episode*> out;
  for (const Episode& episode : episodes) out.push_back(&episode);
  return out;
}

TEST(PlainTokens, AreScoredAsTheyWereSampled) {
  const Plain plain;
  for (const double temperature : {1., .6}) {
    const std::vector<Episode> episodes = plain.sample(9, temperature);
    const TokenScores scores =
        plain_scorer(7)(plain.weights, pointers(episodes), {.temperature = temperature});
    ASSERT_EQ(scores.log_probs.sizes(), (std::vector<std::int64_t>{9, 5}));
    EXPECT_TRUE(scores.mask.all().item<bool>());
    for (std::size_t b = 0; b < episodes.size(); ++b)
      for (std::size_t t = 0; t < 5; ++t) {
        EXPECT_LT(episodes[b].tokens[t], 7);
        EXPECT_NEAR(scores.log_probs[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(t)]
                        .item<double>(),
                    episodes[b].sampled_log_probs[t], 1e-4);
      }
  }
}

TEST(PlainTokens, RepliesOfDifferentLengthsAreMaskedBehindTheirEnds) {
  const Plain plain;
  std::vector<Episode> episodes = plain.sample(2, 1);
  episodes[1].tokens.resize(2);
  const TokenScores scores = plain_scorer(7)(plain.weights, pointers(episodes), {});
  EXPECT_EQ(scores.mask.sum(1)[0].item<int>(), 5);
  EXPECT_EQ(scores.mask.sum(1)[1].item<int>(), 2);
  EXPECT_EQ(scores.log_probs[1].narrow(0, 2, 3).abs().sum().item<double>(), 0);
  EXPECT_NEAR(scores.log_probs[1][1].item<double>(), episodes[1].sampled_log_probs[1], 1e-4);
}

TEST(PlainTokens, AreDrawnAsOftenAsTheirProbabilities) {
  const Plain plain;
  const int replies = 4000;
  const std::vector<Episode> episodes = sample_plain(
      plain.weights, std::vector<std::vector<int>>(replies, {10}), {.rows = 7, .length = 1});
  std::vector<double> seen(7), expected(7);
  for (const Episode& episode : episodes) {
    seen[static_cast<std::size_t>(episode.tokens[0])] += 1;
    expected[static_cast<std::size_t>(episode.tokens[0])] =
        replies * std::exp(episode.sampled_log_probs[0]);
  }
  for (std::size_t token = 0; token < 7; ++token)
    EXPECT_NEAR(seen[token], expected[token], 4 * std::sqrt(expected[token]) + 1) << token;
}

}  // namespace
}  // namespace rl
