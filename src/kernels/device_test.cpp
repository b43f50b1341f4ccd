// What a GPU gives instead of our loops, held to the plain code in fp32 on the processor.
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/attention.h"
#include "kernels/cached_attention.h"
#include "kernels/cast.h"
#include "kernels/dropout.h"
#include "kernels/few_rows.h"
#include "kernels/linear.h"
#include "kernels/log_prob_head.h"
#include "kernels/norm.h"
#include "kernels/test_device.h"

namespace kernels {
namespace {

using testing::apart;
using testing::random;

class Device : public testing::OnDevice {
 protected:
  // A leaf on the device of the test.
  torch::Tensor leaf(const torch::Tensor& x, torch::Dtype type = torch::kFloat32) const {
    return x.detach().clone().to(device(), type).set_requires_grad(true);
  }
};
ATTUNE_ON_DEVICES(Device);

TEST_P(Device, ASumAndItsNormAreThoseOfPlainOperationsForwardAndBackward) {
  for (const bool layer : {true, false})
    for (const int width : {40, 776})
      for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
        const double tolerance = type == torch::kFloat32 ? 1e-5 : 4e-2;  // bf16 has 8 bits
        const torch::Tensor residual = random({9, width}, 1), x = random({9, width}, 2),
                            gain = 1 + random({width}, 3, .1),
                            shift = layer ? random({width}, 4) : torch::Tensor(),
                            weights = random({9, width}, 5), more = random({9, width}, 6);
        const auto run = [&](const auto& make, const auto& add) {
          const std::vector<torch::Tensor> in = {make(residual), make(x), make(gain),
                                                 layer ? make(shift) : torch::Tensor()};
          const AddedNorm out = add(in);
          ((out.normed.to(torch::kCPU, torch::kFloat32) * weights).sum() +
           (out.sum.to(torch::kCPU, torch::kFloat32) * more).sum())
              .backward();
          std::vector<torch::Tensor> found = {out.sum.detach(), out.normed.detach()};
          for (const torch::Tensor& tensor : in)
            if (tensor.defined()) found.push_back(tensor.grad());
          return found;
        };
        const auto ours = run([&](const torch::Tensor& t) { return leaf(t, type); },
                              [&](const std::vector<torch::Tensor>& in) {
                                return add_norm(in[0], in[1], in[2], in[3], 1e-5);
                              });
        const auto plain = run(
            [&](const torch::Tensor& t) {
              return t.detach().clone().to(type).to(torch::kFloat32).set_requires_grad(true);
            },
            [&](const std::vector<torch::Tensor>& in) {
              const torch::Tensor sum = in[0] + in[1];
              return AddedNorm{sum, norm(sum, in[2], in[3], 1e-5)};
            });
        ASSERT_EQ(ours.size(), plain.size());
        for (std::size_t i = 0; i < ours.size(); ++i)
          EXPECT_LT(apart(ours[i], plain[i]), tolerance * (1 + plain[i].abs().max().item<double>()))
              << i << " layer " << layer << " " << type;
      }
}

TEST_P(Device, ASumAndItsNormAreTheSameWithAndWithoutGradient) {
  const torch::Tensor residual = leaf(random({3, 64}, 1), torch::kBFloat16),
                      x = leaf(random({3, 64}, 2), torch::kBFloat16),
                      gain = leaf(random({64}, 3), torch::kBFloat16);
  const AddedNorm with = add_norm(residual, x, gain, gain, 1e-5);
  torch::NoGradGuard no_grad;
  const AddedNorm without = add_norm(residual, x, gain, gain, 1e-5);
  EXPECT_TRUE(at::equal(with.sum, without.sum));
  EXPECT_TRUE(at::equal(with.normed, without.normed));
}

TEST_P(Device, NumbersCastTogetherAreThoseCastOneByOneAndSoAreTheirGradients) {
  const std::vector<torch::Tensor> all = {leaf(random({5, 3}, 1)), leaf(random({7}, 2)),
                                          leaf(random({2, 2}, 3))};
  const std::vector<torch::Tensor> found = cast(all, torch::kBFloat16);
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_TRUE(at::equal(found[i], all[i].to(torch::kBFloat16)));
  (found[0].sum() + 2 * found[2].t().sum()).backward();
  EXPECT_EQ(apart(all[0].grad(), torch::ones({5, 3})), 0);
  EXPECT_EQ(apart(all[2].grad(), 2 * torch::ones({2, 2})), 0);
  EXPECT_EQ(all[0].grad().dtype(), torch::kFloat32);
  EXPECT_FALSE(all[1].grad().defined() && all[1].grad().abs().sum().item<float>() > 0);
}

TEST_P(Device, ALinearLayerHasTheGradientsOfItsParts) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor x = random({300, 16}, 1), weight = random({16, 24}, 2),
                        bias = random({24}, 3), weights = random({300, 24}, 4);
    const auto run = [&](const auto& make, const auto& layer) {
      const torch::Tensor in = make(x), w = make(weight), b = make(bias);
      const torch::Tensor out = layer(in, w, b);
      (out.to(torch::kCPU, torch::kFloat32) * weights).sum().backward();
      return std::vector<torch::Tensor>{out.detach(), in.grad(), w.grad(), b.grad()};
    };
    const auto ours =
        run([&](const torch::Tensor& t) { return leaf(t, type); },
            [](const auto& in, const auto& w, const auto& b) { return linear(in, w, b); });
    const auto plain = run(
        [&](const torch::Tensor& t) {
          return t.detach().clone().to(type).to(torch::kFloat32).set_requires_grad(true);
        },
        [](const auto& in, const auto& w, const auto& b) { return at::addmm(b, in, w); });
    for (std::size_t i = 0; i < ours.size(); ++i)
      EXPECT_LT(apart(ours[i], plain[i]),
                (type == torch::kFloat32 ? 1e-5 : 2e-2) * (1 + plain[i].abs().max().item<double>()))
          << i << " " << type;
  }
}

TEST_P(Device, ProductsOfAFewRowsAreThoseOfTheMatrices) {
  torch::NoGradGuard no_grad;
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16})
    for (const int rows : {1, 3, 4, 5}) {
      const torch::Tensor x = random({rows, 72}, 1).to(device(), type),
                          weight = random({50, 72}, 2).to(device(), type).t(),
                          bias = random({50}, 3).to(device(), type);
      ASSERT_EQ(are_few_rows(x, weight), device().is_cuda() && rows <= 4);
      if (!are_few_rows(x, weight)) continue;
      torch::Tensor out = torch::empty({rows, 56}, x.options()).narrow(1, 0, 50);
      const auto full = [](const torch::Tensor& t) { return t.to(torch::kCPU, torch::kFloat32); };
      const torch::Tensor expected = at::addmm(full(bias), full(x), full(weight));
      const double tolerance = type == torch::kFloat32 ? 1e-4 : .1;
      few_rows_out(out, x, weight, {.bias = bias});
      EXPECT_LT(apart(out, expected), tolerance);
      few_rows_out(out, x, weight, {.bias = bias, .gelu = true});
      EXPECT_LT(apart(out, at::gelu(expected, "tanh")), tolerance);
      const torch::Tensor gain = random({72}, 4).to(device(), type),
                          residual = random({rows, 50}, 5).to(device(), type);
      for (const torch::Tensor& shift : {torch::Tensor(), gain + 1})
        EXPECT_LT(
            apart(few_rows(x, weight,
                           {.gain = gain, .shift = shift, .epsilon = 1e-5, .residual = residual}),
                  at::mm(norm(full(x), full(gain), shift.defined() ? full(shift) : torch::Tensor(),
                              1e-5),
                         full(weight)) +
                      full(residual)),
            3 * tolerance);
    }
}

TEST_P(Device, TheOutputLayerAgreesWithTheReferenceForwardAndBackward) {
  // 1003 tokens: rows of logits that no vector of eight divides.
  const torch::Tensor hidden = random({70, 24}, 1), weight = random({1003, 24}, 2, .5);
  torch::Tensor targets = at::arange(70, torch::kInt64) * 13 % 1003;
  targets[3] = -1;
  const torch::Tensor a = random({70}, 3), b = random({70}, 4), c = random({70}, 5);
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const double tolerance = type == torch::kFloat32 ? 1e-4 : 6e-2;
    const auto run = [&](const torch::Tensor& h, const torch::Tensor& w, Backend backend) {
      const HeadOutput out = log_prob_head(h, w, targets.to(h.device()),
                                           {.temperature = .8, .rows = 1001, .backend = backend});
      ((out.log_probs.cpu() * a).sum() + (out.log_normalisers.cpu() * b).sum() +
       (out.entropies.cpu() * c).sum())
          .backward();
      return std::vector<torch::Tensor>{out.log_probs.detach(), out.log_normalisers.detach(),
                                        out.entropies.detach(), h.grad(), w.grad()};
    };
    const auto rounded = [&](const torch::Tensor& x) {
      return x.detach().clone().to(type).to(torch::kFloat32).set_requires_grad(true);
    };
    const auto ours = run(leaf(hidden, type), leaf(weight, type), Backend::native),
               plain = run(rounded(hidden), rounded(weight), Backend::reference);
    for (std::size_t i = 0; i < ours.size(); ++i)
      EXPECT_LT(apart(ours[i], plain[i]), tolerance * (1 + plain[i].abs().max().item<double>()))
          << i << " " << type;
  }
}

TEST_P(Device, TheWeightedSumOfLogProbabilitiesHasTheGradientOfItsParts) {
  const torch::Tensor targets = (at::arange(50, torch::kInt64) * 7 % 90).to(device()),
                      weights = random({50}, 3).to(device());
  const auto run = [&](const auto& sum) {
    const torch::Tensor hidden = leaf(random({50, 16}, 1)), weight = leaf(random({90, 16}, 2));
    (2 * sum(hidden, weight)).backward();
    return std::pair(hidden.grad(), weight.grad());
  };
  const auto whole = run([&](const torch::Tensor& h, const torch::Tensor& w) {
    return weighted_log_prob(h, w, targets, weights);
  });
  const auto parts = run([&](const torch::Tensor& h, const torch::Tensor& w) {
    return (log_prob_head(h, w, targets).log_probs * weights).sum();
  });
  EXPECT_LT(apart(whole.first, parts.first), 1e-4);
  EXPECT_LT(apart(whole.second, parts.second), 1e-4);
}

// Heads 16 wide, 4 that share 2; the third and the last segment stand behind the second.
TEST_P(Device, AttentionInBf16StaysNearTheReferenceAlsoBehindAPrefix) {
  const Heads heads{.queries = 4, .keys = 2};
  const torch::Tensor qkv = random({60, 8 * 16}, 1).to(torch::kBFloat16),
                      weights = random({60, 4 * 16}, 2);
  for (const Segments& segments :
       {Segments{{0, 17, 29, 40, 41, 60}}, Segments{{0, 17, 29, 40, 41, 60}, {-1, -1, 1, -1, 1}}}) {
    const auto run = [&](const torch::Tensor& in, Backend backend) {
      const torch::Tensor out = attention(in, place(segments, in.device()), heads, backend);
      (out.to(torch::kCPU, torch::kFloat32) * weights).sum().backward();
      return std::pair(out.detach(), in.grad());
    };
    const auto ours = run(leaf(qkv, torch::kBFloat16), Backend::native),
               plain = run(qkv.detach().to(torch::kFloat32).set_requires_grad(true),
                           Backend::reference);
    EXPECT_LT(apart(ours.first, plain.first), 3e-2);
    EXPECT_LT(apart(ours.second, plain.second), 2e-2 * plain.second.abs().max().item<double>());
  }
}

TEST_P(Device, AttentionInFp32AgreesWithTheReference) {
  const torch::Tensor qkv = random({20, 3 * 32}, 1);
  EXPECT_LT(apart(attention(qkv.to(device()), {0, 13, 20}, {4}),
                  attention(qkv, {0, 13, 20}, {4}, Backend::reference)),
            1e-5);
}

TEST_P(Device, CachedAttentionIsThatOfTheWholeSequenceAndLeavesOthersAlone) {
  const Heads heads{.queries = 4, .keys = 2, .scale = .3};
  const std::int64_t tokens = 37, width = 16;
  const torch::Tensor qkv = random({tokens, 8 * width}, 1);
  const torch::Tensor whole = attention(qkv, {0, tokens}, heads, Backend::reference);
  torch::Tensor keys = random({3, 40, 2, width}, 2).to(device()),
                values = random({3, 40, 2, width}, 3).to(device());
  const torch::Tensor others = keys[1].clone();
  const auto placed = [&](const std::vector<int>& x) {
    return torch::tensor(x, torch::kInt32).to(device());
  };
  for (int t = 0; t < tokens; ++t) {
    // Row 0 is the sequence, in slot 2; row 1 is not active.
    const torch::Tensor out =
        cached_attention(qkv[t].repeat({2, 1}).to(device()), keys, values,
                         {placed({2, 1}), placed({t, 5}), placed({1, 0})}, heads);
    EXPECT_LT(apart(out[0], whole[t]), 1e-5) << "token " << t;
    EXPECT_EQ(out[1].abs().max().item<float>(), 0);
  }
  EXPECT_TRUE(at::equal(keys[1], others));
}

TEST_P(Device, DropoutIsOfTheAskedShareAndAFunctionOfItsKey) {
  const torch::Tensor ones = leaf(torch::ones({100, 1000}));
  const torch::Tensor once = with_dropout(ones, .25, 7), again = with_dropout(ones, .25, 7),
                      other = add_dropout(torch::zeros_like(ones), ones, .25, 8);
  EXPECT_NEAR((once == 0).to(torch::kFloat32).mean().item<double>(), .25, .01);
  EXPECT_NEAR(once.max().item<double>(), 1 / .75, 1e-5);
  EXPECT_TRUE(at::equal(once, again));
  EXPECT_FALSE(at::equal(once, other));
  once.sum().backward();
  EXPECT_TRUE(at::equal(ones.grad(), once));
}

TEST(DeviceNamed, RefusesWhatIsNotThere) {
  EXPECT_EQ(device_named("cpu"), torch::Device(torch::kCPU));
  EXPECT_EQ(device_named("auto").is_cuda(), cuda::has_device());
  EXPECT_THROW(device_named("tpu"), base::UsageError);
  if (cuda::has_device()) return;
  EXPECT_THROW(device_named("cuda"), base::UsageError);
}

}  // namespace
}  // namespace kernels
