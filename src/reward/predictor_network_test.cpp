#include "reward/predictor_network.h"

#include <gtest/gtest.h>

namespace reward {
namespace {

recommend::RankContext said(std::vector<int> liked, std::vector<int> disliked) {
  recommend::RankContext context;
  context.liked_words = std::move(liked);
  context.disliked_words = std::move(disliked);
  return context;
}

TEST(Match, CountsTheItemsWordsThatWereLikedAndDisliked) {
  torch::NoGradGuard no_grad;
  const model::ParameterSet p = start_member(torch::zeros({3 + 4, 2}), 3, 1);  // 3 items, 4 words
  const auto k = static_cast<std::int64_t>(Head::liked);
  torch::Tensor own = p.at("match.words"), all = p.at("match.all");
  own[1][k] = .5;        // word 1, liked
  own[4 + 2][k] = -.25;  // word 2, disliked
  all[0][k] = 1;
  all[1][k] = -2;
  const std::vector<std::vector<int>> words = {{0, 1}, {2}, {}};
  const std::vector<recommend::RankContext> states = {said({1, 3}, {2}), said({0, 1}, {})};
  const torch::Tensor scores = match_items(states, side_by_side(words), Head::liked, p);  // [2, 3]
  EXPECT_FLOAT_EQ(scores[0][0].item<float>(), 1.5);
  EXPECT_FLOAT_EQ(scores[0][1].item<float>(), -2.25);
  EXPECT_FLOAT_EQ(scores[0][2].item<float>(), 0);
  EXPECT_FLOAT_EQ(scores[1][0].item<float>(), 2.5);
  EXPECT_FLOAT_EQ(scores[1][1].item<float>(), 0);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const torch::Tensor pairs = match_pairs(states, {&words[i], &words[i]}, p);  // [2, heads]
    EXPECT_TRUE(pairs.select(1, k).allclose(scores.select(1, static_cast<std::int64_t>(i))));
  }
}

}  // namespace
}  // namespace reward
