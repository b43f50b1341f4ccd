#include "kernels/log_prob_head.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace kernels {
namespace {

torch::Tensor random(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn({rows, columns}, generator, torch::TensorOptions().dtype(torch::kFloat32));
}

TEST(LogProbHead, KnowsTwoLogitsByHand) {
  // logits 0 and ln 3: p = 1/4, 3/4; H = ln 4 - 3/4 ln 3 = .562335
  const torch::Tensor hidden = torch::ones({1, 1}),
                      weight = torch::tensor({{0.f}, {std::log(3.f)}});
  const HeadOutput out = log_prob_head(hidden, weight, torch::tensor({std::int64_t{1}}));
  EXPECT_NEAR(out.log_probs[0].item<float>(), std::log(.75), 1e-6);
  EXPECT_NEAR(out.log_normalisers[0].item<float>(), std::log(4.), 1e-6);
  EXPECT_NEAR(out.entropies[0].item<float>(), .562335, 1e-5);
}

TEST(LogProbHead, AgreesWithTheReferenceInAllOutputsAndGradients) {
  torch::Tensor hidden = random(300, 8, 1).requires_grad_(true),
                weight = random(50, 8, 2).requires_grad_(true);
  torch::Tensor plain_hidden = hidden.detach().clone().requires_grad_(true),
                plain_weight = weight.detach().clone().requires_grad_(true);
  torch::Tensor targets = at::arange(300, torch::kInt64) % 40;
  targets[5] = -1;
  const torch::Tensor mix = random(3, 300, 3);
  const auto objective = [&](const HeadOutput& out) {
    return (out.log_probs * mix[0] + out.log_normalisers * mix[1] + out.entropies * mix[2]).sum();
  };
  HeadOptions options{.temperature = .7, .rows = 40};
  const HeadOutput ours = log_prob_head(hidden, weight, targets, options);
  options.backend = Backend::reference;
  const HeadOutput plain = log_prob_head(plain_hidden, plain_weight, targets, options);
  EXPECT_LT((ours.log_probs - plain.log_probs).abs().max().item<float>(), 1e-5);
  EXPECT_EQ(ours.log_probs[5].item<float>(), 0);
  EXPECT_LT((ours.entropies - plain.entropies).abs().max().item<float>(), 1e-5);
  objective(ours).backward();
  objective(plain).backward();
  EXPECT_LT((hidden.grad() - plain_hidden.grad()).abs().max().item<float>(), 2e-5);
  EXPECT_LT((weight.grad() - plain_weight.grad()).abs().max().item<float>(),
            1e-4);  // sums of 300 terms
  EXPECT_EQ(weight.grad().narrow(0, 40, 10).abs().max().item<float>(),
            0);  // rows that may not be drawn
}

// Enough logits for several chunks: the native gradients against the reference's.
struct Large {
  torch::Tensor hidden, weight, targets;
  Large() {
    torch::manual_seed(4);
    hidden = torch::randn({400, 4});
    weight = torch::randn({100000, 4});
    targets = at::arange(400, torch::kInt64) * 249 - 1;  // the first is -1: none
  }
  struct Leaves {
    torch::Tensor hidden, weight;
  };
  Leaves leaves() const {
    return {hidden.clone().set_requires_grad(true), weight.clone().set_requires_grad(true)};
  }
};

void expect_equal_gradients(const Large::Leaves& ours, const Large::Leaves& plain) {
  EXPECT_LT((ours.hidden.grad() - plain.hidden.grad()).abs().max().item<float>(), 1e-4);
  EXPECT_LT((ours.weight.grad() - plain.weight.grad()).abs().max().item<float>(), 1e-4);
}

TEST(LogProbHead, HasTheReferencesGradientsOverSeveralChunks) {
  const Large large;
  const Large::Leaves ours = large.leaves(), plain = large.leaves();
  const auto objective = [&](const Large::Leaves& leaves, Backend backend) {
    const HeadOutput out =
        log_prob_head(leaves.hidden, leaves.weight, large.targets, {.backend = backend});
    return (out.log_probs + .1 * out.entropies).sum();
  };
  objective(plain, Backend::reference).backward();
  const torch::Tensor value = objective(ours, Backend::native);
  value.backward({}, /*retain_graph=*/true);
  expect_equal_gradients(ours, plain);
  ours.hidden.mutable_grad() = torch::Tensor();
  ours.weight.mutable_grad() = torch::Tensor();
  value.backward();  // a second pass works the logits out anew
  expect_equal_gradients(ours, plain);
}

TEST(WeightedLogProb, IsTheWeightedSumWithItsGradients) {
  const Large large;
  const Large::Leaves ours = large.leaves(), plain = large.leaves();
  const torch::Tensor weights = at::arange(400, torch::kInt64).remainder(3).to(torch::kFloat32);
  const auto value = [&](const Large::Leaves& leaves, Backend backend) {
    return .5 * weighted_log_prob(leaves.hidden, leaves.weight, large.targets, weights,
                                  {.backend = backend});
  };
  const torch::Tensor a = value(ours, Backend::native), b = value(plain, Backend::reference);
  EXPECT_NEAR(a.item<float>(), b.item<float>(), 1e-2);  // of about -2300
  a.backward();
  b.backward();
  expect_equal_gradients(ours, plain);
}

// The same numbers in bf16, for the kernel, and in fp32, for the reference.
struct Halves {
  torch::Tensor hidden, weight, plain_hidden, plain_weight;
  Halves(const torch::Tensor& h, const torch::Tensor& w)
      : hidden(h.to(torch::kBFloat16).set_requires_grad(true)),
        weight(w.to(torch::kBFloat16).set_requires_grad(true)),
        plain_hidden(hidden.detach().to(torch::kFloat32).set_requires_grad(true)),
        plain_weight(weight.detach().to(torch::kFloat32).set_requires_grad(true)) {}
};

// The largest difference as a share of the largest value. bf16 keeps 8 bits: one rounding is off by
// .004 at most, and a gradient is made of a few.
float relative_error(const torch::Tensor& x, const torch::Tensor& expected) {
  return ((x.to(torch::kFloat32) - expected).abs().max() / expected.abs().max()).item<float>();
}

TEST(LogProbHead, InBf16StaysNearTheReferenceInFp32WithItsGradients) {
  const Halves halves(random(300, 16, 1), random(70, 16, 2));
  torch::Tensor targets = at::arange(300, torch::kInt64) % 60;
  targets[5] = -1;
  const torch::Tensor mix = random(3, 300, 3);
  const auto objective = [&](const HeadOutput& out) {
    return (out.log_probs * mix[0] + out.log_normalisers * mix[1] + out.entropies * mix[2]).sum();
  };
  HeadOptions options{.temperature = .7, .rows = 60};
  const HeadOutput ours = log_prob_head(halves.hidden, halves.weight, targets, options);
  options.backend = Backend::reference;
  const HeadOutput plain =
      log_prob_head(halves.plain_hidden, halves.plain_weight, targets, options);
  EXPECT_EQ(ours.log_probs.dtype(), torch::kFloat32);
  EXPECT_LT(relative_error(ours.log_probs, plain.log_probs), 1e-2);
  EXPECT_LT(relative_error(ours.log_normalisers, plain.log_normalisers), 1e-2);
  EXPECT_LT(relative_error(ours.entropies, plain.entropies), 1e-2);
  EXPECT_EQ(ours.log_probs[5].item<float>(), 0);
  objective(ours).backward();
  objective(plain).backward();
  EXPECT_LT(relative_error(halves.hidden.grad(), halves.plain_hidden.grad()), 2e-2);
  EXPECT_LT(relative_error(halves.weight.grad(), halves.plain_weight.grad()), 2e-2);
}

TEST(WeightedLogProb, InBf16StaysNearTheReferenceInFp32OverSeveralChunks) {
  const Large large;
  const Halves halves(large.hidden, large.weight);
  const torch::Tensor weights = at::arange(400, torch::kInt64).remainder(3).to(torch::kFloat32);
  const torch::Tensor ours =
                          weighted_log_prob(halves.hidden, halves.weight, large.targets, weights),
                      plain =
                          weighted_log_prob(halves.plain_hidden, halves.plain_weight, large.targets,
                                            weights, {.backend = Backend::reference});
  EXPECT_LT(relative_error(ours, plain), 1e-3);  // roundings of 400 tokens cancel
  ours.backward();
  plain.backward();
  EXPECT_LT(relative_error(halves.hidden.grad(), halves.plain_hidden.grad()), 2e-2);
  EXPECT_LT(relative_error(halves.weight.grad(), halves.plain_weight.grad()), 2e-2);
}

TEST(LogProbHead, RefusesATargetThatMayNotBeDrawn) {
  EXPECT_THROW(log_prob_head(torch::ones({1, 2}), torch::ones({5, 2}),
                             torch::tensor({std::int64_t{4}}), {.rows = 4}),
               base::Error);
}

}  // namespace
}  // namespace kernels
