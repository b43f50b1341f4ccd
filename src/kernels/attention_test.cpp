#include "kernels/attention.h"

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
  const torch::Tensor a = attention(ours, bounds, 2),
                      b = attention(plain, bounds, 2, Backend::reference);
  EXPECT_LT((a - b).abs().max().item<float>(), 1e-5);
  (a * weights).sum().backward();
  (b * weights).sum().backward();
  EXPECT_LT((ours.grad() - plain.grad()).abs().max().item<float>(), 1e-5);
}

TEST(Attention, ATokenSeesNothingLaterAndNothingOfAnotherSegment) {
  const torch::Tensor qkv = random_qkv(7, 8, torch::kFloat32);
  torch::Tensor changed = qkv.clone();
  changed.narrow(0, 2, 1).fill_(1e9);  // the last token of the first segment of three
  const torch::Tensor before = attention(qkv, {0, 3, 7}, 2),
                      after = attention(changed, {0, 3, 7}, 2);
  for (int t : {0, 1, 3, 4, 5, 6}) EXPECT_TRUE(at::equal(before[t], after[t])) << "token " << t;
  EXPECT_FALSE(at::equal(before[2], after[2]));
}

TEST(Attention, InBf16StaysNearFp32) {
  const torch::Tensor qkv = random_qkv(40, 32, torch::kFloat32);
  const torch::Tensor full = attention(qkv, {0, 40}, 4),
                      half = attention(qkv.to(torch::kBFloat16), {0, 40}, 4);
  EXPECT_LT((full - half.to(torch::kFloat32)).abs().max().item<float>(), 3e-2);  // bf16 has 8 bits
}

TEST(Attention, RefusesBoundsThatDoNotCoverTheTokens) {
  EXPECT_THROW(attention(random_qkv(7, 8, torch::kFloat32), {0, 3}, 2), base::Error);
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
  const torch::Tensor whole = attention(qkv, {0, tokens}, heads);
  EXPECT_LT((out[0].reshape({-1}) - whole[8]).abs().max().item<float>(), 1e-5);
  EXPECT_LT((out[1].reshape({-1}) - whole[4]).abs().max().item<float>(), 1e-5);
}

}  // namespace
}  // namespace kernels
