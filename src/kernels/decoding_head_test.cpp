#include "kernels/decoding_head.h"

#include <gtest/gtest.h>

#include "kernels/test_tensors.h"

namespace kernels {
namespace {

TEST(DecodingHead, GivesTheLogitsOfEveryRowOfTheWeight) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16})
    for (const std::int64_t width : {64, 20}) {                        // packed, and in bf16 not
      const double rounding = type == torch::kBFloat16 ? 4e-3 : 1e-6;  // bf16 has 8 bits
      const torch::Tensor weight = testing::random({130, width}, 1).to(type),
                          hidden = testing::random({9, width}, 2).to(type),
                          exact =
                              at::mm(hidden.to(torch::kFloat64), weight.to(torch::kFloat64).t());
      const DecodingHead head(weight);
      const torch::Tensor logits = head.logits(hidden);
      EXPECT_EQ(logits.sizes(), exact.sizes());
      EXPECT_LT(testing::relative_error(logits, exact), rounding);
      torch::Tensor rows = torch::full({9, 133}, 7.f);
      head.logits_into(rows, hidden);
      EXPECT_LT(testing::relative_error(rows.narrow(1, 0, 130), exact), rounding);
      EXPECT_TRUE(rows.narrow(1, 130, 3).eq(7).all().item<bool>());
    }
}

TEST(DecodingHead, InInt8GivesLogitsInFp32) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor weight = testing::random({130, 20}, 1).to(type),
                        hidden = testing::random({9, 20}, 2).to(type),
                        exact = at::mm(hidden.to(torch::kFloat64), weight.to(torch::kFloat64).t());
    const torch::Tensor logits = DecodingHead(weight, MatrixNumbers::int8).logits(hidden);
    EXPECT_EQ(logits.scalar_type(), torch::kFloat32);
    EXPECT_LT(testing::relative_error(logits, exact), 2e-2);
    EXPECT_GT(testing::relative_error(logits, exact), 1e-3);  // it is not the weight itself
  }
}

}  // namespace
}  // namespace kernels
