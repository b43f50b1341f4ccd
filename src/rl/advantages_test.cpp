#include "rl/advantages.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "base/test_data.h"
#include "rl/masked.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

TEST(Advantages, KnownRepliesComeOutAsPublished) {
  const torch::Tensor reward = row({0, 0, 0, 1}), value = row({.1f, .2f, .3f, .4f});
  const Advantages gae = estimate_advantages(reward, value, everywhere(reward));
  expect_near(gae.advantages, {.799675, .7365, .67, .6});
  expect_near(gae.returns, {.899675, .9365, .97, 1});
  expect_near(whiten(gae.advantages, everywhere(reward)), {1.141837, .406744, -.367037, -1.181544});
  expect_near(whiten(gae.advantages, everywhere(reward), Spread::biased),
              {1.31848, .469668, -.423818, -1.364329});
  expect_near(estimate_advantages(row({0, 0, 0, 1}), row({.5f, .5f, .5f, .5f}), bits({1, 1, 1, 1}),
                                  {.lambda = 1})
                  .advantages,
              {.5, .5, .5, .5});
  expect_near(
      estimate_advantages(row({-.02f, -.01f, .03f, .98f}), value, everywhere(reward)).advantages,
      {.7801025, .73695, .681, .58});
  expect_near(estimate_advantages(row({0, 0, 5}), row({1, 2, 3}), bits({1, 1, 1}), {.lambda = 0})
                  .advantages,
              {1, 1, 2});
  expect_near(estimate_advantages(row({1, 0, -1}), row({.5f, .25f, -.5f}), bits({1, 1, 1}),
                                  {.discount = .99})
                  .advantages,
              {-.395442625, -1.21525, -.5});
  const Advantages half = estimate_advantages(row({0, 0, 1, 0}), row({0, 1, 2, 3}),
                                              bits({1, 1, 1, 1}), {.discount = .5, .lambda = 0});
  expect_near(half.advantages, {.5, 0, .5, -3});
  expect_near(half.returns, {.5, 1, 2.5, 0});
}

TEST(Advantages, AGapOrPaddingChangesNothingWhateverStandsThere) {
  const GaeOptions options{.discount = .99, .lambda = .95};
  const Advantages whole = estimate_advantages(row({0, 0, 1, 1}), row({.1f, .2f, .4f, .5f}),
                                               bits({1, 1, 1, 1}), options);
  const Advantages gap =
      estimate_advantages(row({0, 0, NAN, 1, 1, NAN}), row({.1f, .2f, 999, .4f, .5f, NAN}),
                          bits({1, 1, 0, 1, 1, 0}), options);
  for (auto [a, b] : {std::pair{0, 0}, {1, 1}, {2, 3}, {3, 4}})
    EXPECT_FLOAT_EQ(whole.advantages[0][a].item<float>(), gap.advantages[0][b].item<float>());
  EXPECT_EQ(gap.advantages[0][2].item<float>(), 0);
}

TEST(Advantages, AValueBehindTheEndIsNotRead) {
  expect_near(estimate_advantages(row({0, 1, 100}), row({0, 0, 100}), bits({1, 1, 0})).advantages,
              {.95, 1, 0});  // and not 5.7, 6
}

TEST(Advantages, AReplyThatWasCutOffGoesOnFromItsBootstrap) {
  // delta_2 = 1 + .5 * 4 - 2 = 1; delta_1 = 0 + .5 * 2 - 3 = -2, and -2 + .5 * .5 * 1 = -1.75
  const Advantages gae =
      estimate_advantages(row({0, 1, NAN}), row({3, 2, NAN}), bits({1, 1, 0}),
                          {.discount = .5, .lambda = .5, .bootstrap = torch::tensor({4.f})});
  expect_near(gae.advantages, {-1.75, 1, 0});
  expect_near(gae.returns, {1.25, 3, 0});
  EXPECT_THROW(
      estimate_advantages(row({0}), row({0}), bits({1}), {.bootstrap = torch::tensor({1.f, 2.f})}),
      base::Error);
}

TEST(Advantages, RefuseShapesThatDiffer) {
  EXPECT_THROW(estimate_advantages(row({0, 1}), row({0, 1, 2}), bits({1, 1})), base::Error);
  EXPECT_THROW(estimate_advantages(row({0, 1}), row({0, 1}), bits({1, 1, 1})), base::Error);
}

TEST(ReturnsToGo, SumTheRewardsFromHereOn) {
  expect_near(returns_to_go(row({1, NAN, 2, 4}), bits({1, 0, 1, 1})), {7, 0, 6, 4});
  expect_near(returns_to_go(row({1, NAN, 2, 4}), bits({1, 0, 1, 1}), .5), {3, 0, 4, 4});
}

TEST(ReinforcePp, WhitensTheReturnsOverAllTokensOfTheBatch) {
  // Returns 3 2 | 1: mean 2, deviation 1.
  const torch::Tensor rewards = at::cat({row({1, 2}), row({1, NAN})}),
                      mask = at::cat({bits({1, 1}), bits({1, 0})});
  expect_near(reinforce_pp_advantages(rewards, mask), {1, 0, -1, 0});
}

// ---- against rlax ----

TEST(Advantages, AgreeWithRlax) {
  const std::filesystem::path file =
      base::test::data_folder() / "test_vectors" / "ppo" / "gae_rlax.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "skipped: no " << file << "; set ATTUNE_DATA";
  const base::Json vectors = base::read_json(file);
  const auto part = [&](const char* key, int row, std::size_t from, std::size_t to) {
    const std::vector<float> all = vectors.at(key).at(row);
    return rl::testing::row({all.begin() + static_cast<std::ptrdiff_t>(from),
                             all.begin() + static_cast<std::ptrdiff_t>(to)});
  };
  // A discount of 0 ends an episode: the second row is two, of four tokens and of one.
  struct Episode {
    int row;
    std::size_t from, to;
    bool ended;
    double discount;
  };
  for (const auto& [lambda, expected] : vectors.at("advantage").items())
    for (const Episode& e :
         {Episode{0, 0, 5, false, .99}, {1, 0, 4, true, .9}, {1, 4, 5, false, .9}}) {
      const std::vector<double> all = expected.at(e.row);
      const torch::Tensor rewards = part("r_t", e.row, e.from, e.to);
      const torch::Tensor after = e.ended ? torch::zeros({1}) : part("v", e.row, e.to, e.to + 1)[0];
      expect_near(estimate_advantages(rewards, part("v", e.row, e.from, e.to), everywhere(rewards),
                                      {e.discount, std::stod(lambda), after})
                      .advantages,
                  {all.begin() + static_cast<std::ptrdiff_t>(e.from),
                   all.begin() + static_cast<std::ptrdiff_t>(e.to)},
                  1e-3);
    }
}

}  // namespace
}  // namespace rl
