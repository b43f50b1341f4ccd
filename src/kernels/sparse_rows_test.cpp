#include "kernels/sparse_rows.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace kernels {
namespace {

SparseRows rows() {
  // Row 0: 2 at column 1; row 1: 1 at 0 and 3 at 2; row 2: nothing; row 3: 4 at 2, twice.
  return {torch::tensor({0, 1, 3, 3, 5}, torch::kInt64), torch::tensor({0, 0, 1, 2}, torch::kInt64),
          torch::tensor({1, 0, 2, 2, 2}, torch::kInt32), torch::tensor({2.f, 1.f, 3.f, 4.f, 4.f})};
}

TEST(SparseRows, AddsWeightedRowsToTheirOwners) {
  const torch::Tensor sum = sum_sparse_rows(torch::tensor({.5f, 2.f, 7.f, 1.f}), rows(), 3, 3);
  EXPECT_TRUE(at::equal(sum, torch::tensor({{2.f, 1.f, 6.f}, {0.f, 0.f, 0.f}, {0.f, 0.f, 8.f}})));
}

TEST(SparseRows, AgreesWithTheReferenceGradientIncluded) {
  torch::Tensor ours = torch::tensor({.5f, 2.f, 7.f, 1.f}).requires_grad_(),
                theirs = ours.detach().clone().requires_grad_();
  const torch::Tensor into = torch::arange(9, torch::kFloat32).view({3, 3});
  const torch::Tensor sum = sum_sparse_rows(ours, rows(), 3, 3),
                      reference = sum_sparse_rows_reference(theirs, rows(), 3, 3);
  EXPECT_TRUE(at::allclose(sum, reference));
  (sum * into).sum().backward();
  (reference * into).sum().backward();
  EXPECT_TRUE(at::allclose(ours.grad(), theirs.grad()));
  EXPECT_EQ(ours.grad()[3].item<float>(), 64);  // twice 4, at a cell of 8
}

TEST(SparseRows, RefusesTablesThatDoNotFit) {
  EXPECT_THROW(sum_sparse_rows(torch::ones({3}), rows(), 3, 3), base::Error);
  EXPECT_THROW(sum_sparse_rows(torch::ones({4}), rows(), 2, 3), base::Error);
}

}  // namespace
}  // namespace kernels
