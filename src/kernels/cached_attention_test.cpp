#include "kernels/cached_attention.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "kernels/test_tensors.h"

namespace kernels {
namespace {

TEST(DecodeAttention, TheLastTokenAgreesWithThePackedKernel) {
  const std::int64_t tokens = 9, heads = 2, d = 4;
  const torch::Tensor qkv = testing::random({tokens, 3 * heads * d}, 7);
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
    const torch::Tensor qkv = testing::random({9, 32}, 5).to(type), parts = qkv.view({9, 8, 4});
    torch::Tensor keys = torch::full({1, 16, 2, 4}, NAN, qkv.options()), values = keys.clone();
    keys[0].narrow(0, 0, 9).copy_(parts.narrow(1, 4, 2));
    values[0].narrow(0, 0, 9).copy_(parts.narrow(1, 6, 2));
    const torch::Tensor out =
        decode_attention(parts.narrow(0, 8, 1).narrow(1, 0, 4), keys, values, {0}, {9});
    const torch::Tensor whole = attention(qkv.to(torch::kFloat32), {0, 9}, {4, 2});
    EXPECT_LT((out.view({-1}).to(torch::kFloat32) - whole[8]).abs().max().item<float>(),
              type == torch::kFloat32 ? 1e-5 : 2e-2);  // bf16 has 8 bits
  }
}

struct Shape {
  torch::Dtype type;
  std::int64_t rows, heads, groups, width;
};

// Rows of several lengths in slots of any order, against a softmax written out.
void expect_decoded_as_written_out(const Shape& shape, double tolerance) {
  const std::int64_t room = 70;
  const auto random = [&](c10::IntArrayRef size, std::uint64_t seed) {
    return testing::random(size, seed).to(shape.type);
  };
  const torch::Tensor query = random({shape.rows, shape.heads, shape.width}, 1);
  torch::Tensor keys = random({5, room, shape.groups, shape.width}, 2),
                values = random({5, room, shape.groups, shape.width}, 3);
  std::vector<std::int64_t> slots = {2, 0, 3, 1, 4}, lengths = {1, 70, 33, 0, 48};
  slots.resize(static_cast<std::size_t>(shape.rows));
  lengths.resize(static_cast<std::size_t>(shape.rows));
  for (std::size_t b = 0; b < slots.size(); ++b)
    for (torch::Tensor* cache : {&keys, &values})  // what is behind a row's length is never read
      (*cache)[slots[b]].narrow(0, lengths[b], room - lengths[b]).fill_(NAN);
  const torch::Tensor out = decode_attention(query, keys, values, slots, lengths);
  EXPECT_EQ(out.dtype(), shape.type);
  for (std::size_t b = 0; b < slots.size(); ++b)
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const torch::Tensor found = out[static_cast<std::int64_t>(b)][h];
      if (lengths[b] == 0) {
        EXPECT_EQ(found.abs().max().item<double>(), 0);
        continue;
      }
      const auto of = [&](const torch::Tensor& cache) {  // [length, D]
        return cache[slots[b]]
            .narrow(0, 0, lengths[b])
            .select(1, h / (shape.heads / shape.groups))
            .to(torch::kFloat64);
      };
      const torch::Tensor q = query[static_cast<std::int64_t>(b)][h].to(torch::kFloat64);
      const torch::Tensor expected =
          at::mv(of(values).t(),
                 at::softmax(at::mv(of(keys), q) / std::sqrt(static_cast<double>(shape.width)), 0));
      EXPECT_LT(testing::apart(found, expected), tolerance)
          << "row " << b << ", head " << h << " of width " << shape.width;
    }
}

TEST(DecodeAttention, IsTheSoftmaxOverTheSlotsOwnLength) {
  expect_decoded_as_written_out({torch::kFloat32, 3, 3, 3, 20}, 1e-5);
  expect_decoded_as_written_out({torch::kFloat32, 5, 6, 2, 64}, 1e-5);
}

TEST(DecodeAttention, InBf16IsTheSameButForTheRoundingOfItsResult) {
  constexpr double kRounding = 1e-2;  // values up to 3, rounded to 8 bits
  // A width that is no multiple of a vector register, and those that are; rows for all threads, and
  // so few that their heads are shared out.
  for (const std::int64_t width : {20, 32, 64, 128, 256})
    for (const std::int64_t rows : {1, 5}) {
      expect_decoded_as_written_out({torch::kBFloat16, rows, 3, 3, width}, kRounding);
      expect_decoded_as_written_out({torch::kBFloat16, rows, 6, 2, width}, kRounding);
    }
}

TEST(CachedAttention, PutsWhatIsNewInItsPlaceAndLeavesOtherRowsAlone) {
  const std::int64_t room = 20, groups = 2, width = 32;
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor qkv = testing::random({3, (4 + 2 * groups) * width}, 1).to(type),
                        parts = qkv.view({3, 4 + 2 * groups, width});
    const torch::Tensor keys = testing::random({3, room, groups, width}, 2).to(type),
                        values = testing::random({3, room, groups, width}, 3).to(type),
                        keys_before = keys.clone(), values_before = values.clone();
    const auto ints = [](const std::vector<int>& x) { return torch::tensor(x, torch::kInt32); };
    const torch::Tensor out = cached_attention(
        qkv, keys, values, {ints({2, 1, 0}), ints({7, 3, 19}), ints({1, 0, 1})}, {4, groups});
    torch::Tensor keys_after = keys_before.clone(), values_after = values_before.clone();
    for (const auto& [row, slot, position] : {std::array{0, 2, 7}, {2, 0, 19}}) {
      keys_after[slot][position].copy_(parts[row].narrow(0, 4, groups));
      values_after[slot][position].copy_(parts[row].narrow(0, 4 + groups, groups));
    }
    EXPECT_TRUE(at::equal(keys, keys_after));
    EXPECT_TRUE(at::equal(values, values_after));
    const torch::Tensor expected =
        decode_attention(parts.narrow(1, 0, 4).contiguous(), keys, values, {2, 1, 0}, {8, 0, 20});
    EXPECT_TRUE(at::equal(out, expected.view({3, -1})));
    EXPECT_EQ(out[1].abs().max().item<double>(), 0);
  }
}

}  // namespace
}  // namespace kernels
