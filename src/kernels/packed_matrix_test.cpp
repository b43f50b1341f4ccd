#include "kernels/packed_matrix.h"

#include <gtest/gtest.h>

#include "kernels/bf16_tiles.h"
#include "kernels/test_tensors.h"

namespace kernels {
namespace {

using testing::random;

class PackedMatrixTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tiles::available()) GTEST_SKIP() << "no AVX-512 BF16";
  }
};

torch::Tensor bf16(const torch::Tensor& x) { return x.to(torch::kBFloat16); }

// Numbers of either layout, columns that fill the last panel and that do not, and one row up to
// more than a tile holds.
TEST_F(PackedMatrixTest, MultipliesAsTheMatrixDoes) {
  for (const std::int64_t in : {32, 96, 160})
    for (const std::int64_t out : {64, 100, 129})
      for (const std::int64_t rows : {1, 5, 6, 7, 32})
        for (const bool by_columns : {false, true}) {
          const torch::Tensor x = bf16(random({rows, in}, 1)), weight = bf16(random({in, out}, 2)),
                              laid = by_columns ? weight.t().contiguous().t() : weight;
          ASSERT_TRUE(PackedMatrix::takes(laid));
          const PackedMatrix packed(laid);
          const torch::Tensor exact = at::mm(x.to(torch::kFloat64), weight.to(torch::kFloat64));
          torch::Tensor whole = torch::full({rows, out + 3}, 7.f);
          packed.multiply_into(whole, x);
          EXPECT_LT(testing::relative_error(whole.narrow(1, 0, out), exact), 1e-6)
              << rows << " x " << in << " x " << out;
          EXPECT_TRUE(whole.narrow(1, out, 3).eq(7).all().item<bool>());
          EXPECT_LT(testing::relative_error(packed.multiply(x), exact), 4e-3);  // 8 bits
        }
}

TEST_F(PackedMatrixTest, DoesOnTheWayWhatFollowsOrComesBefore) {
  const std::int64_t in = 64, out = 72, rows = 9;
  const torch::Tensor x = bf16(random({rows, in}, 1)), weight = bf16(random({in, out}, 2, .2)),
                      bias = bf16(random({out}, 3)), residual = bf16(random({rows, out}, 4)),
                      gain = bf16(random({in}, 5)), shift = bf16(random({in}, 6));
  const PackedMatrix packed(weight);
  const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
  const torch::Tensor product = at::mm(wide(x), wide(weight)) + wide(bias);
  constexpr double kBits = 4e-3;  // bf16 has 8
  EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias}), product), kBits);
  EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias, .gelu = true}),
                                    at::gelu(product, "tanh")),
            kBits);
  EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias, .residual = residual}),
                                    product + wide(residual)),
            kBits);
  for (const bool centred : {true, false}) {
    const torch::Tensor normed = centred
                                     ? at::layer_norm(wide(x), {in}, wide(gain), wide(shift), 1e-5)
                                     : at::rms_norm(wide(x), {in}, wide(gain), 1e-5);
    EXPECT_LT(
        testing::relative_error(
            packed.multiply(
                x, {.gain = gain, .shift = centred ? shift : torch::Tensor(), .epsilon = 1e-5}),
            at::mm(normed, wide(weight))),
        2 * kBits);  // the normed rows are rounded too
  }
}

TEST_F(PackedMatrixTest, ARowsProductDoesNotDependOnTheOthers) {
  const torch::Tensor x = bf16(random({13, 64}, 1));
  const PackedMatrix packed(bf16(random({64, 130}, 2)));
  const torch::Tensor all = packed.multiply(x);
  for (std::int64_t row = 0; row < x.size(0); ++row)
    EXPECT_TRUE(at::equal(packed.multiply(x.narrow(0, row, 1))[0], all[row])) << row;
}

TEST_F(PackedMatrixTest, TakesOnlyWhatItCanLayOut) {
  EXPECT_FALSE(PackedMatrix::takes(random({64, 64}, 1)));        // fp32
  EXPECT_FALSE(PackedMatrix::takes(bf16(random({48, 64}, 1))));  // 32 does not divide 48
  EXPECT_FALSE(PackedMatrix::takes(bf16(random({64, 64, 2}, 1)).select(2, 0)));
}

}  // namespace
}  // namespace kernels
