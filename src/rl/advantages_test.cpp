#include "rl/advantages.h"

#include <gtest/gtest.h>

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
  expect_near(whiten(gae.advantages, everywhere(reward)), {1.141837, .406744, -.367037, -1.181544},
              1e-4);
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

}  // namespace
}  // namespace rl
