#include "kernels/packed_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/bf16_tiles.h"
#include "kernels/compute.h"
#include "kernels/fp32_tiles.h"
#include "kernels/int8_tiles.h"
#include "kernels/test_tensors.h"

namespace kernels {
namespace {

using testing::random;

// As computed, in either type.
class PackedMatrixTest : public ::testing::TestWithParam<torch::Dtype> {
 protected:
  void SetUp() override {
    if (is_bf16() ? !bf16_tiles::available() : !fp32::available())
      GTEST_SKIP() << (is_bf16() ? "no AVX-512 BF16" : "no AVX2");
  }
  static bool is_bf16() { return GetParam() == torch::kBFloat16; }
  static torch::Tensor typed(const torch::Tensor& x) { return x.to(GetParam()); }
  static double rounding() { return is_bf16() ? 4e-3 : 1e-6; }  // bf16 has 8 bits
};
INSTANTIATE_TEST_SUITE_P(Types, PackedMatrixTest,
                         ::testing::Values(torch::kFloat32, torch::kBFloat16),
                         [](const auto& type) {
                           return type.param == torch::kBFloat16 ? "bf16" : "fp32";
                         });

torch::Tensor bf16(const torch::Tensor& x) { return x.to(torch::kBFloat16); }
torch::Tensor wide(const torch::Tensor& x) { return x.to(torch::kFloat64); }

// Numbers of either layout, columns that fill the last panel and that do not, and one row up to
// more than a tile holds.
TEST_P(PackedMatrixTest, MultipliesAsTheMatrixDoes) {
  const std::vector<std::int64_t> inputs = is_bf16() ? std::vector<std::int64_t>{32, 96, 160}
                                                     : std::vector<std::int64_t>{1, 30, 96, 161};
  for (const std::int64_t in : inputs)
    for (const std::int64_t out : {64, 100, 129})
      for (const std::int64_t rows : {1, 5, 6, 7, 32})
        for (const bool by_columns : {false, true}) {
          const torch::Tensor x = typed(random({rows, in}, 1)),
                              weight = typed(random({in, out}, 2)),
                              laid = by_columns ? weight.t().contiguous().t() : weight;
          ASSERT_TRUE(PackedMatrix::takes(laid));
          const PackedMatrix packed(laid);
          const torch::Tensor exact = at::mm(wide(x), wide(weight));
          torch::Tensor whole = torch::full({rows, out + 3}, 7.f);
          packed.multiply_into(whole, x);
          EXPECT_LT(testing::relative_error(whole.narrow(1, 0, out), exact), 1e-6)
              << rows << " x " << in << " x " << out;
          EXPECT_TRUE(whole.narrow(1, out, 3).eq(7).all().item<bool>());
          EXPECT_LT(testing::relative_error(packed.multiply(x), exact), rounding());
        }
}

TEST_P(PackedMatrixTest, DoesOnTheWayWhatFollowsOrComesBefore) {
  const std::int64_t in = 64, out = 72, rows = 9;
  const torch::Tensor x = typed(random({rows, in}, 1)), weight = typed(random({in, out}, 2, .2)),
                      bias = typed(random({out}, 3)), residual = typed(random({rows, out}, 4)),
                      gain = typed(random({in}, 5)), shift = typed(random({in}, 6));
  const PackedMatrix packed(weight);
  const torch::Tensor product = at::mm(wide(x), wide(weight)) + wide(bias);
  EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias}), product), rounding());
  EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias, .gelu = true}),
                                    at::gelu(product, "tanh")),
            rounding());
  EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias, .residual = residual}),
                                    product + wide(residual)),
            rounding());
  for (const bool centred : {true, false}) {
    const torch::Tensor normed = centred
                                     ? at::layer_norm(wide(x), {in}, wide(gain), wide(shift), 1e-5)
                                     : at::rms_norm(wide(x), {in}, wide(gain), 1e-5);
    EXPECT_LT(
        testing::relative_error(
            packed.multiply(
                x, {.gain = gain, .shift = centred ? shift : torch::Tensor(), .epsilon = 1e-5}),
            at::mm(normed, wide(weight))),
        2 * rounding());  // the normed rows are rounded too
  }
}

TEST_P(PackedMatrixTest, ARowsProductDoesNotDependOnTheOthers) {
  const torch::Tensor x = typed(random({13, 64}, 1));
  const PackedMatrix packed(typed(random({64, 130}, 2)));
  const torch::Tensor all = packed.multiply(x);
  for (std::int64_t row = 0; row < x.size(0); ++row)
    EXPECT_TRUE(at::equal(packed.multiply(x.narrow(0, row, 1))[0], all[row])) << row;
}

TEST(PackedMatrix, TakesOnlyWhatItCanLayOut) {
  EXPECT_EQ(PackedMatrix::takes(random({48, 64}, 1)), fp32::available());
  EXPECT_FALSE(PackedMatrix::takes(bf16(random({48, 64}, 1))));  // 32 does not divide 48
  EXPECT_FALSE(PackedMatrix::takes(bf16(random({64, 64, 2}, 1)).select(2, 0)));
  EXPECT_FALSE(PackedMatrix::takes(random({64, 64}, 1).to(torch::kFloat64)));
}

TEST_P(PackedMatrixTest, RefusesRowsOfAnotherTypeOrWidth) {
  const PackedMatrix packed(typed(random({64, 64}, 1)));
  EXPECT_THROW(packed.multiply(typed(random({2, 32}, 2))), base::Error);
  EXPECT_THROW(packed.multiply(random({2, 64}, 2).to(torch::kFloat64)), base::Error);
}

// So matrices and output layer alike are libtorch's products there.
TEST(PackedMatrix, TakesNothingAsComputedWhereTheReferenceIsAskedFor) {
  const torch::Tensor weight = random({64, 64}, 1);
  set_default_backend(Backend::reference);
  EXPECT_FALSE(PackedMatrix::takes(weight));
  EXPECT_TRUE(PackedMatrix::takes(weight, MatrixNumbers::int8));
  set_default_backend(Backend::native);
  EXPECT_EQ(PackedMatrix::takes(weight), fp32::available());
}

TEST(PackedMatrix, InFp32TakesViewsWithGapsInBothDirections) {
  if (!fp32::available()) GTEST_SKIP() << "no AVX2";
  const torch::Tensor weight = random({64, 70, 2}, 1).select(2, 0), x = random({7, 64}, 2);
  EXPECT_LT(
      testing::relative_error(PackedMatrix(weight).multiply(x), at::mm(wide(x), wide(weight))),
      1e-6);
}

// The definition, in fp64: columns by their largest number, rows by that of each 64 inputs.
torch::Tensor rounded_columns(const torch::Tensor& weight) {
  const torch::Tensor exact = weight.to(torch::kFloat32),
                      scale = std::get<0>(exact.abs().max(0, true)) / 127;
  return (exact / scale).round().to(torch::kFloat64) * scale;
}
torch::Tensor rounded_rows(const torch::Tensor& x) {
  torch::Tensor out = x.to(torch::kFloat32);
  for (std::int64_t begin = 0; begin < x.size(1); begin += 64) {
    torch::Tensor part = out.narrow(1, begin, std::min<std::int64_t>(64, x.size(1) - begin));
    const torch::Tensor scale = std::get<0>(part.abs().max(1, true)) / 127;
    part.copy_((part / scale).round() * scale);
  }
  return out.to(torch::kFloat64);
}

TEST(PackedInt8Matrix, MultipliesWhatWasRounded) {
  for (const std::int64_t in : {20, 64, 96, 192})
    for (const std::int64_t out : {64, 100, 129})
      for (const std::int64_t rows : {1, 5, 6, 7, 32})
        for (const bool by_columns : {false, true})
          for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
            const torch::Tensor x = random({rows, in}, 1).to(type),
                                weight = random({in, out}, 2).to(type),
                                laid = by_columns ? weight.t().contiguous().t() : weight;
            ASSERT_TRUE(PackedMatrix::takes(laid, MatrixNumbers::int8));
            const PackedMatrix packed(laid, MatrixNumbers::int8);
            const torch::Tensor rounded = at::mm(rounded_rows(x), rounded_columns(weight)),
                                exact = at::mm(x.to(torch::kFloat64), weight.to(torch::kFloat64));
            torch::Tensor whole = torch::full({rows, out + 3}, 7.f);
            packed.multiply_into(whole, x);
            const torch::Tensor found = whole.narrow(1, 0, out);
            // Where a number is between two, either may be taken: one step of 127 of its scale.
            EXPECT_LT(testing::relative_error(found, rounded), 2e-3)
                << rows << " x " << in << " x " << out;
            EXPECT_LT(testing::relative_error(found, exact), 2e-2);
            EXPECT_TRUE(whole.narrow(1, out, 3).eq(7).all().item<bool>());
            const torch::Tensor product = packed.multiply(x);
            EXPECT_EQ(product.scalar_type(), type);
            EXPECT_LT(testing::relative_error(product, found),
                      type == torch::kFloat32 ? 1e-6 : 4e-3);
          }
}

TEST(PackedInt8Matrix, DoesOnTheWayWhatFollows) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor x = random({9, 64}, 1).to(type), weight = random({64, 72}, 2, .2).to(type),
                        bias = random({72}, 3).to(type), residual = random({9, 72}, 4).to(type);
    const PackedMatrix packed(weight, MatrixNumbers::int8);
    torch::Tensor product = torch::empty({9, 72});
    packed.multiply_into(product, x);
    const double error = type == torch::kFloat32 ? 1e-6 : 4e-3;
    const torch::Tensor biased = product + bias.to(torch::kFloat32);
    EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias, .gelu = true}),
                                      at::gelu(biased, "tanh")),
              error);
    EXPECT_LT(testing::relative_error(packed.multiply(x, {.bias = bias, .residual = residual}),
                                      biased + residual.to(torch::kFloat32)),
              error);
  }
}

TEST(PackedInt8Matrix, ARowsProductDoesNotDependOnTheOthers) {
  const torch::Tensor x = random({13, 64}, 1);
  const PackedMatrix packed(random({64, 130}, 2), MatrixNumbers::int8);
  const torch::Tensor all = packed.multiply(x);
  for (std::int64_t row = 0; row < x.size(0); ++row)
    EXPECT_TRUE(at::equal(packed.multiply(x.narrow(0, row, 1))[0], all[row])) << row;
}

// A large number coarsens its own 64 neighbours alone; what is no number is not rounded to one.
TEST(PackedInt8Matrix, KeepsNumbersThatAreFarApart) {
  torch::Tensor x = random({2, 128}, 1), weight = random({128, 64}, 2);
  x.narrow(1, 64, 64).zero_();
  const torch::Tensor small = at::mm(x, weight);
  x.select(1, 100).fill_(1e4);
  weight.select(0, 100).zero_();
  const PackedMatrix packed(weight, MatrixNumbers::int8);
  EXPECT_LT(testing::relative_error(packed.multiply(x), small), 2e-2);
  EXPECT_TRUE(packed.multiply(torch::zeros({1, 128})).eq(0).all().item<bool>());
  EXPECT_TRUE(packed.multiply(torch::full({1, 128}, 1e-38f)).isfinite().all().item<bool>());
  for (const float none : {NAN, INFINITY}) {
    torch::Tensor bad = random({2, 128}, 3);
    bad[1][5] = none;
    const torch::Tensor product = packed.multiply(bad);
    EXPECT_TRUE(product[0].isfinite().all().item<bool>());
    EXPECT_TRUE(product[1].isnan().all().item<bool>());
    torch::Tensor spoilt = weight.clone();
    spoilt[3][7] = none;
    const torch::Tensor columns = PackedMatrix(spoilt, MatrixNumbers::int8).multiply(x);
    EXPECT_TRUE(columns.select(1, 7).isnan().all().item<bool>());
    EXPECT_TRUE(columns.narrow(1, 8, 56).isfinite().all().item<bool>());
  }
}

// The largest sums that can be: nothing may be held down to 16 bits on the way.
TEST(PackedInt8Matrix, TheLargestNumbersDoNotSaturate) {
  for (const float x : {1.f, -1.f})
    for (const float w : {1.f, -1.f}) {
      const PackedMatrix packed(torch::full({256, 64}, w), MatrixNumbers::int8);
      EXPECT_LT(testing::apart(packed.multiply(torch::full({7, 256}, x)),
                               torch::full({7, 64}, 256 * x * w)),
                1e-3);
    }
}

TEST(PackedInt8Matrix, RefusesRowsOfAnotherTypeOrWidth) {
  const PackedMatrix packed(random({64, 64}, 1), MatrixNumbers::int8);
  EXPECT_THROW(packed.multiply(random({2, 63}, 1)), base::Error);
  EXPECT_THROW(packed.multiply(bf16(random({2, 64}, 1))), base::Error);
  EXPECT_FALSE(PackedMatrix::takes(random({2, 64, 64}, 1), MatrixNumbers::int8));
  EXPECT_FALSE(PackedMatrix::takes(random({64, 64}, 1).to(torch::kFloat16), MatrixNumbers::int8));
}

TEST(PackedInt8Matrix, AllWaysToMultiplyGiveTheSame) {
  const std::int64_t blocks = 3, in = blocks * int8::kBlock;
  torch::Tensor weight = random({in, int8::kColumns}, 1), x = random({6, in}, 2);
  for (const float largest : {1.f, -1.f}) {  // the largest sums of either sign
    weight.select(1, largest > 0 ? 3 : 60).fill_(largest);
    x[largest > 0 ? 0 : 5].fill_(largest);
  }
  std::vector<std::uint32_t> words(static_cast<std::size_t>(in / 4 * int8::kColumns));
  std::vector<float> scales(int8::kColumns), row_scales(6 * blocks);
  std::vector<std::int8_t> q(static_cast<std::size_t>(6 * in));
  std::vector<std::int32_t> offsets(6 * blocks);
  int8::pack(weight.data_ptr<float>(), in, words.data(), scales.data());
  for (std::int64_t row = 0; row < 6; ++row)
    int8::quantise_row(x.data_ptr<float>() + row * in, in, q.data() + row * in,
                       row_scales.data() + row * blocks, offsets.data() + row * blocks);
  const int8::Rows rows{q.data(), row_scales.data(), offsets.data(), blocks};
  for (std::int64_t count = 1; count <= int8::kRows; ++count) {
    std::vector<float> plain(static_cast<std::size_t>(count * int8::kColumns));
    int8::multiply_plainly(rows, count, words.data(), scales.data(), plain.data(), {});
    for (const int8::Multiply multiply : int8::ways_to_multiply()) {
      std::vector<float> ours(plain.size(), NAN);
      multiply(rows, count, words.data(), scales.data(), ours.data(), {});
      for (std::size_t i = 0; i < ours.size(); ++i)
        EXPECT_NEAR(ours[i], plain[i], 1e-6 * (1 + std::fabs(ours[i])));
    }
  }
}

TEST(PackedInt8Matrix, NamesOfNumbers) {
  EXPECT_EQ(matrix_numbers("computed"), MatrixNumbers::computed);
  EXPECT_EQ(matrix_numbers("int8"), MatrixNumbers::int8);
  EXPECT_THROW(matrix_numbers("int4"), base::UsageError);
}

}  // namespace
}  // namespace kernels
