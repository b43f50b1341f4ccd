#include "train/adamw.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/error.h"

namespace train {
namespace {

TEST(AdamW, TheFirstStepIsTheLearningRateInTheGradientsDirection) {
  torch::Tensor x = torch::tensor({1.f, -2.f}).set_requires_grad(true);
  AdamW optimiser({x}, {.weight_decay = 0});
  (x * torch::tensor({3.f, -5.f})).sum().backward();
  EXPECT_NEAR(optimiser.step(.1, 0), std::sqrt(34.), 1e-5);
  EXPECT_NEAR(x[0].item<float>(), .9, 1e-5);
  EXPECT_NEAR(x[1].item<float>(), -1.9, 1e-5);
}

TEST(AdamW, EpsilonStandsWhereTheFormSays) {
  const auto first_step = [](AdamForm form) {
    torch::Tensor x = torch::zeros({1}).set_requires_grad(true);
    AdamW optimiser({x}, {.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0, .form = form});
    (1e-5 * x).sum().backward();
    optimiser.step(.01, 0);
    return -x.item<float>();
  };
  // .01 * 1e-5 / (1e-5 + 1e-5); .01 * sqrt(.001) / .1 * 1e-6 / (sqrt(.001) * 1e-5 + 1e-5).
  EXPECT_NEAR(first_step(AdamForm::pytorch), .005, 1e-8);
  EXPECT_NEAR(first_step(AdamForm::tensorflow), .000306534, 1e-8);
}

TEST(AdamW, BothFormsAreOneLateOn) {
  const auto walk = [](AdamForm form) {
    torch::Tensor x = torch::ones({1}).set_requires_grad(true);
    AdamW optimiser({x}, {.beta2 = .9, .epsilon = 1e-3, .weight_decay = 0, .form = form});
    for (int step = 0; step < 200; ++step) {
      torch::NoGradGuard no_grad;
      if (step == 150) x.fill_(1);
      x.mutable_grad() = torch::full({1}, .01);
      optimiser.step(.01, 0);
    }
    return x.item<float>();
  };
  EXPECT_NEAR(walk(AdamForm::pytorch), walk(AdamForm::tensorflow), 1e-5);
}

TEST(AdamW, WithCopiesTheirGradientsCountAndTheyFollowTheParameters) {
  const auto parameters = [] {
    return std::vector<torch::Tensor>{torch::tensor({{1.f, -2.f}}).set_requires_grad(true),
                                      torch::tensor({.7f}).set_requires_grad(true)};
  };
  const std::vector<torch::Tensor> ours = parameters(), plain = parameters();
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& x : ours)
    copies.push_back(x.detach().to(torch::kBFloat16).set_requires_grad(true));
  AdamW optimiser(ours, {}), other(plain, {});
  optimiser.use_copies(copies);
  for (int step = 0; step < 3; ++step) {
    (copies[0].square().sum() * copies[1].sum()).backward();
    const auto cast = [](const torch::Tensor& x) { return x.to(torch::kBFloat16); };
    (cast(plain[0]).square().sum() * cast(plain[1]).sum()).backward();
    EXPECT_EQ(optimiser.step(.1, 1), other.step(.1, 1));
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(at::equal(ours[i], plain[i]));
    EXPECT_TRUE(at::equal(copies[i], ours[i].to(torch::kBFloat16)));
  }
  EXPECT_THROW(optimiser.use_copies({copies[0]}), base::Error);
  EXPECT_THROW(optimiser.use_copies({copies[1], copies[0].t().contiguous()}), base::Error);
}

TEST(AdamW, AGradientThatIsNotFiniteChangesNothing) {
  torch::Tensor x = torch::tensor({1.f}).set_requires_grad(true);
  AdamW optimiser({x}, {});
  (x * NAN).sum().backward();
  EXPECT_FALSE(std::isfinite(optimiser.step(.1, 1)));
  EXPECT_EQ(x[0].item<float>(), 1);
}

TEST(AdamW, GradientsAreScaledDownTogetherToTheLargestNorm) {
  // Gradients 3 and 4, of norm 5, become .6 and .8; the first moments are a tenth of them.
  const auto moments = [](double max_norm) {
    torch::Tensor x = torch::zeros({1}).set_requires_grad(true),
                  y = torch::zeros({1, 1}).set_requires_grad(true);
    AdamW optimiser({x, y}, {});
    (3 * x.sum() + 4 * y.sum()).backward();
    EXPECT_NEAR(optimiser.step(1e-3, max_norm), 5, 1e-5);
    model::TensorMap saved;
    optimiser.save(saved, "");
    std::set<float> values;
    for (const auto& [name, tensor] : saved)
      if (name.ends_with(".first")) values.insert(tensor.item<float>());
    return values;
  };
  const auto expect = [](const std::set<float>& values, float low, float high) {
    ASSERT_EQ(values.size(), 2u);
    EXPECT_NEAR(*values.begin(), low, 1e-6);
    EXPECT_NEAR(*values.rbegin(), high, 1e-6);
  };
  expect(moments(1), .06f, .08f);
  expect(moments(10), .3f, .4f);  // small enough as they are
  expect(moments(0), .3f, .4f);   // 0: not at all
}

TEST(AdamW, OnlyMatricesDecay) {
  torch::Tensor vector = torch::ones({2}).set_requires_grad(true),
                matrix = torch::ones({1, 2}).set_requires_grad(true);
  AdamW optimiser({vector, matrix}, {.weight_decay = .5});
  (0 * vector.sum() + 0 * matrix.sum()).backward();
  optimiser.step(.1, 0);  // no gradient: only the decay, 1 - .1 * .5
  EXPECT_NEAR(vector[0].item<float>(), 1, 1e-6);
  EXPECT_NEAR(matrix[0][0].item<float>(), .95, 1e-6);
}

TEST(AdamW, GoesOnFromSavedMomentsBitForBit) {
  const auto start = [] {
    return torch::tensor({{1.f, -2.f}, {.5f, 3.f}}).set_requires_grad(true);
  };
  const auto step = [](AdamW& optimiser, torch::Tensor& x) {
    x.square().sum().backward();
    optimiser.step(.1, 1);
  };
  torch::Tensor whole = start();
  AdamW first({whole}, {});
  for (int i = 0; i < 3; ++i) step(first, whole);
  torch::Tensor resumed = whole.detach().clone().set_requires_grad(true);
  model::TensorMap saved;
  first.save(saved, "optimiser.");
  AdamW second({resumed}, {});
  second.load(saved, "optimiser.");
  step(first, whole);
  step(second, resumed);
  EXPECT_TRUE(at::equal(whole, resumed));
  saved.erase(saved.begin());
  EXPECT_THROW(second.load(saved, "optimiser."), base::Error);
}

TEST(CosineSchedule, RisesToOneAndFallsToZero) {
  EXPECT_DOUBLE_EQ(cosine_schedule(5, 10, 110), .5);
  EXPECT_DOUBLE_EQ(cosine_schedule(10, 10, 110), 1);
  EXPECT_NEAR(cosine_schedule(60, 10, 110), .5, 1e-12);
  EXPECT_NEAR(cosine_schedule(110, 10, 110), 0, 1e-12);
}

}  // namespace
}  // namespace train
