#include "rl/masked.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

TEST(Masked, MeanVarianceAndWhiteningKnowTwoOfFourValues) {
  const torch::Tensor x = row({1, 2, 3, 4}), mask = bits({0, 1, 1, 0});
  EXPECT_DOUBLE_EQ(masked_mean(x, mask).item<double>(), 2.5);
  EXPECT_DOUBLE_EQ(masked_variance(x, mask).item<double>(), .5);
  EXPECT_DOUBLE_EQ(masked_variance(x, mask, Spread::biased).item<double>(), .25);
  expect_near(whiten(x, mask), {0, -.70711, .70711, 0});
  expect_near(whiten(x, mask, Spread::biased), {0, -1, 1, 0});
}

TEST(Masked, WhiteningThatKeepsTheMeanHasThePublishedValues) {
  const torch::Tensor x = row({1.2f, 1.3f, 1.4f, 1.5f, 1.6f, 1.7f, 1.8f, 1.9f, 2.0f});
  expect_near(whiten_keeping_mean(x, everywhere(x)),
              {.1394, .5046, .8697, 1.2349, 1.6, 1.9651, 2.3303, 2.6954, 3.0606}, 1e-4);
  expect_near(whiten_keeping_mean(x, everywhere(x), Spread::biased),
              {.0508, .4381, .8254, 1.2127, 1.6, 1.9873, 2.3746, 2.7619, 3.1492}, 1e-4);
}

TEST(Masked, WhiteningOneValueFailsLoudly) {
  const torch::Tensor x = row({1, 2});
  EXPECT_THROW(whiten(x, bits({1, 0})), base::Error);
  EXPECT_THROW(whiten(x, bits({0, 0})), base::Error);
  EXPECT_THROW(masked_mean(x, bits({1, 0, 1})), base::Error);
  EXPECT_THROW(masked_mean(x, x), base::Error);  // a mask of floats
}

TEST(Masked, RepliesHaveSumsAndMeansOfTheirOwnTokens) {
  const torch::Tensor x = at::cat({row({1, 2, NAN}), row({3, 4, 5}), row({NAN, NAN, NAN})}),
                      mask = at::cat({bits({1, 1, 0}), bits({1, 1, 1}), bits({0, 0, 0})});
  expect_near(reply_sums(x, mask), {3, 12, 0});
  expect_near(reply_means(x, mask), {1.5, 4, 0});
}

TEST(Reduce, EachAggregationHasItsValue) {
  // Tokens 1 2 | 3 4 5 | 7: 22 over 6 tokens; replies' means 1.5, 4, 7; sums over 3 x 10.
  const torch::Tensor x = at::cat({row({1, 2, 0}), row({3, 4, 5}), row({7, 0, 0})}),
                      mask = at::cat({bits({1, 1, 0}), bits({1, 1, 1}), bits({1, 0, 0})});
  EXPECT_NEAR(reduce(x, mask).item<double>(), 3.6667, 1e-4);
  EXPECT_NEAR(reduce(x, mask, {.how = Aggregation::sequence_mean}).item<double>(), 12.5 / 3, 1e-6);
  EXPECT_NEAR(reduce(x, mask, {.how = Aggregation::constant_length, .length = 10}).item<double>(),
              22. / 30, 1e-6);
  EXPECT_THROW(reduce(x, mask, {.how = Aggregation::constant_length}), base::UsageError);
  EXPECT_EQ(reduction_total(mask, Aggregation::token_mean), 6);
  EXPECT_EQ(reduction_total(mask, Aggregation::sequence_mean), 3);
}

TEST(Reduce, PartsOfAMinibatchWeighByTheirTokensNotByTheirNumber) {
  const auto part = [](const torch::Tensor& x, double total) {
    return reduce(x, everywhere(x), {.total = total}).item<double>();
  };
  // 1 2 | 3 4 5 6 7 have mean 4; the mean of the parts' means would be 3.25.
  EXPECT_NEAR(part(row({1, 2}), 7) + part(row({3, 4, 5, 6, 7}), 7), 4, 1e-6);
  // 100 tokens at 2 and 900 at .5: .65, and not 1.25.
  EXPECT_NEAR(part(torch::full({1, 100}, 2.), 1000) + part(torch::full({1, 900}, .5), 1000), .65,
              1e-6);
}

}  // namespace
}  // namespace rl
