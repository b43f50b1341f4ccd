#include "kernels/attention.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"

namespace kernels {
namespace {

torch::Tensor random_qkv(std::int64_t tokens, std::int64_t width, torch::Dtype dtype) {
  auto generator = at::detail::createCPUGenerator(7);
  return at::randn({tokens, 3 * width}, generator, torch::TensorOptions().dtype(torch::kFloat32))
      .to(dtype);
}

TEST(Attention, AgreesWithTheReferenceForwardAndBackwardOverSegmentsOfSeveralLengths) {
  const std::vector<std::int64_t> bounds = {0, 3, 6, 13, 14};
  torch::Tensor ours = random_qkv(14, 8, torch::kFloat32).requires_grad_(true);
  torch::Tensor plain = ours.detach().clone().requires_grad_(true);
  const torch::Tensor weights = random_qkv(14, 8, torch::kFloat32).narrow(1, 0, 8);
  const torch::Tensor a = attention(ours, bounds, {2}),
                      b = attention(plain, bounds, {2}, Backend::reference);
  EXPECT_LT((a - b).abs().max().item<float>(), 1e-5);
  (a * weights).sum().backward();
  (b * weights).sum().backward();
  EXPECT_LT((ours.grad() - plain.grad()).abs().max().item<float>(), 1e-5);
}

TEST(Attention, ATokenSeesNothingLaterAndNothingOfAnotherSegment) {
  const torch::Tensor qkv = random_qkv(7, 8, torch::kFloat32);
  torch::Tensor changed = qkv.clone();
  changed.narrow(0, 2, 1).fill_(1e9);  // the last token of the first segment of three
  const torch::Tensor before = attention(qkv, {0, 3, 7}, {2}),
                      after = attention(changed, {0, 3, 7}, {2});
  for (int t : {0, 1, 3, 4, 5, 6}) EXPECT_TRUE(at::equal(before[t], after[t])) << "token " << t;
  EXPECT_FALSE(at::equal(before[2], after[2]));
}

TEST(Attention, InBf16StaysNearFp32) {
  const torch::Tensor qkv = random_qkv(40, 32, torch::kFloat32);
  const torch::Tensor full = attention(qkv, {0, 40}, {4}),
                      half = attention(qkv.to(torch::kBFloat16), {0, 40}, {4});
  EXPECT_LT((full - half.to(torch::kFloat32)).abs().max().item<float>(), 3e-2);  // bf16 has 8 bits
}

TEST(Attention, InBf16TheGradientStaysNearTheReferenceInFp32) {
  const std::vector<std::int64_t> bounds = {0, 30, 60, 61, 80};
  torch::Tensor ours = random_qkv(80, 32, torch::kBFloat16).requires_grad_(true);
  torch::Tensor plain = ours.detach().to(torch::kFloat32).requires_grad_(true);
  const torch::Tensor weights = random_qkv(80, 32, torch::kFloat32).narrow(1, 32, 32);
  const torch::Tensor a = attention(ours, bounds, {4}),
                      b = attention(plain, bounds, {4}, Backend::reference);
  EXPECT_LT((a.to(torch::kFloat32) - b).abs().max().item<float>(), 3e-2);
  (a.to(torch::kFloat32) * weights).sum().backward();
  (b * weights).sum().backward();
  EXPECT_EQ(ours.grad().dtype(), torch::kBFloat16);
  const float largest = plain.grad().abs().max().item<float>();  // bf16 has 8 bits
  EXPECT_LT((ours.grad().to(torch::kFloat32) - plain.grad()).abs().max().item<float>(),
            1e-2 * largest);
}

// 4 heads that share 2 heads of keys and values, 4 numbers wide: (4 + 2 * 2) * 4 = 32 columns.
constexpr Heads kShared{.queries = 4, .keys = 2};

torch::Tensor random_shared(std::int64_t tokens, std::uint64_t seed = 7) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn({tokens, 32}, generator, torch::TensorOptions().dtype(torch::kFloat32));
}

TEST(Attention, WithSharedHeadsAgreesWithTheReferenceForwardAndBackward) {
  const std::vector<std::int64_t> bounds = {0, 3, 6, 13, 14};
  torch::Tensor ours = random_shared(14).requires_grad_(true);
  torch::Tensor plain = ours.detach().clone().requires_grad_(true);
  const torch::Tensor weights = random_shared(14, 8).narrow(1, 0, 16);
  const torch::Tensor a = attention(ours, bounds, kShared),
                      b = attention(plain, bounds, kShared, Backend::reference);
  EXPECT_EQ(a.sizes(), (std::vector<std::int64_t>{14, 16}));
  EXPECT_LT((a - b).abs().max().item<float>(), 1e-5);
  (a * weights).sum().backward();
  (b * weights).sum().backward();
  EXPECT_LT((ours.grad() - plain.grad()).abs().max().item<float>(), 1e-5);
}

TEST(Attention, SharedHeadsAreThoseOfEachOnesOwnRepeatedInOrder) {
  const torch::Tensor shared = random_shared(9), parts = shared.view({9, 8, 4});
  const auto repeated = [&](std::int64_t first) {  // heads 0, 0, 1, 1
    return parts.narrow(1, first, 2).repeat_interleave(2, 1);
  };
  const torch::Tensor own =
      at::cat({parts.narrow(1, 0, 4), repeated(4), repeated(6)}, 1).view({9, 48});
  EXPECT_LT((attention(shared, {0, 4, 9}, kShared) - attention(own, {0, 4, 9}, {4}))
                .abs()
                .max()
                .item<float>(),
            1e-5);
}

TEST(Attention, WithSharedHeadsInBf16TheGradientStaysNearTheReferenceInFp32) {
  const std::vector<std::int64_t> bounds = {0, 30, 60, 61, 80};
  torch::Tensor ours = random_shared(80).to(torch::kBFloat16).requires_grad_(true);
  torch::Tensor plain = ours.detach().to(torch::kFloat32).requires_grad_(true);
  const torch::Tensor weights = random_shared(80, 8).narrow(1, 0, 16);
  const torch::Tensor a = attention(ours, bounds, kShared),
                      b = attention(plain, bounds, kShared, Backend::reference);
  EXPECT_LT((a.to(torch::kFloat32) - b).abs().max().item<float>(), 3e-2);
  (a.to(torch::kFloat32) * weights).sum().backward();
  (b * weights).sum().backward();
  const float largest = plain.grad().abs().max().item<float>();  // bf16 has 8 bits
  EXPECT_LT((ours.grad().to(torch::kFloat32) - plain.grad()).abs().max().item<float>(),
            2e-2 * largest);
}

TEST(Attention, TheScaleOfScoresIsHonoured) {
  const torch::Tensor qkv = random_shared(9);
  Heads unscaled = kShared;
  unscaled.scale = 1;
  torch::Tensor doubled = qkv.clone();
  doubled.narrow(1, 0, 16).mul_(2);  // by default scores are divided by sqrt(4) = 2
  EXPECT_LT((attention(qkv, {0, 9}, unscaled) - attention(doubled, {0, 9}, kShared))
                .abs()
                .max()
                .item<float>(),
            1e-5);
}

TEST(Attention, RefusesBoundsThatDoNotCoverTheTokens) {
  EXPECT_THROW(attention(random_qkv(7, 8, torch::kFloat32), {0, 3}, {2}), base::Error);
}

TEST(DecodeAttention, TheLastTokenAgreesWithThePackedKernel) {
  const std::int64_t tokens = 9, heads = 2, d = 4;
  const torch::Tensor qkv = random_qkv(tokens, heads * d, torch::kFloat32);
  const torch::Tensor parts = qkv.view({tokens, 3, heads, d});
  torch::Tensor keys = torch::full({2, 16, heads, d}, NAN),
                values = keys.clone();  // unused room is never read
  for (int b = 0; b < 2; ++b) {
    keys[b].narrow(0, 0, tokens).copy_(parts.select(1, 1));
    values[b].narrow(0, 0, tokens).copy_(parts.select(1, 2));
  }
  const torch::Tensor query = at::stack({parts[8][0], parts[4][0]});
  const torch::Tensor out = decode_attention(query, keys, values, {0, 1}, {9, 5});
  const torch::Tensor whole = attention(qkv, {0, tokens}, {heads});
  EXPECT_LT((out[0].reshape({-1}) - whole[8]).abs().max().item<float>(), 1e-5);
  EXPECT_LT((out[1].reshape({-1}) - whole[4]).abs().max().item<float>(), 1e-5);
}

TEST(DecodeAttention, WithSharedHeadsTheLastTokenAgreesWithThePackedKernel) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor qkv = random_shared(9).to(type), parts = qkv.view({9, 8, 4});
    torch::Tensor keys = torch::full({1, 16, 2, 4}, NAN, qkv.options()), values = keys.clone();
    keys[0].narrow(0, 0, 9).copy_(parts.narrow(1, 4, 2));
    values[0].narrow(0, 0, 9).copy_(parts.narrow(1, 6, 2));
    const torch::Tensor out =
        decode_attention(parts.narrow(0, 8, 1).narrow(1, 0, 4), keys, values, {0}, {9});
    const torch::Tensor whole = attention(qkv.to(torch::kFloat32), {0, 9}, kShared);
    EXPECT_LT((out.view({-1}).to(torch::kFloat32) - whole[8]).abs().max().item<float>(),
              type == torch::kFloat32 ? 1e-5 : 2e-2);  // bf16 has 8 bits
  }
}

// Three sequences of several lengths in slots of any order, against a softmax written out.
void expect_decoded_as_written_out(torch::Dtype dtype, float tolerance) {
  const std::int64_t heads = 3, d = 20, room = 70;  // d: no multiple of a vector register
  auto generator = at::detail::createCPUGenerator(3);
  const auto random = [&](std::vector<std::int64_t> shape) {
    return at::randn(shape, generator, torch::TensorOptions().dtype(torch::kFloat32)).to(dtype);
  };
  const torch::Tensor query = random({3, heads, d}), keys = random({4, room, heads, d}),
                      values = random({4, room, heads, d});
  const std::vector<std::int64_t> slots = {2, 0, 3}, lengths = {1, 70, 33};
  const torch::Tensor out = decode_attention(query, keys, values, slots, lengths);
  EXPECT_EQ(out.dtype(), dtype);
  for (std::size_t b = 0; b < slots.size(); ++b)
    for (std::int64_t h = 0; h < heads; ++h) {
      const auto of = [&](const torch::Tensor& cache) {  // [length, d]
        return cache[slots[b]].narrow(0, 0, lengths[b]).select(1, h).to(torch::kFloat64);
      };
      const torch::Tensor q = query[static_cast<std::int64_t>(b)][h].to(torch::kFloat64);
      const torch::Tensor expected = at::mv(
          of(values).t(), at::softmax(at::mv(of(keys), q) / std::sqrt(static_cast<double>(d)), 0));
      EXPECT_LT((out[static_cast<std::int64_t>(b)][h].to(torch::kFloat64) - expected)
                    .abs()
                    .max()
                    .item<double>(),
                tolerance)
          << "sequence " << b << ", head " << h;
    }
}

TEST(DecodeAttention, IsTheSoftmaxOverTheSlotsOwnLength) {
  expect_decoded_as_written_out(torch::kFloat32, 1e-5f);
}

TEST(DecodeAttention, InBf16IsTheSameButForTheRoundingOfItsResult) {
  expect_decoded_as_written_out(torch::kBFloat16, 1e-2f);  // values up to 3, rounded to 8 bits
}

}  // namespace
}  // namespace kernels
