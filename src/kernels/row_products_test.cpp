#include "kernels/row_products.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace kernels {
namespace {

TEST(RowProducts, AreThoseOfLibtorchWhateverTheSizes) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (const std::int64_t batch : {1, 2})
    for (const std::int64_t n : {0, 1, 3, 4, 7, 2050})
      for (const std::int64_t width : {1, 5, 16, 100, 256}) {
        const torch::Tensor queries = torch::randn({batch, width}),
                            table = torch::randn({n, width});
        EXPECT_TRUE(
            at::allclose(row_products(queries, table), at::mm(queries, table.t()), 1e-4, 1e-5))
            << batch << " x " << n << " x " << width;
      }
}

TEST(RowProducts, LeaveGradientsAndOtherMemoryToLibtorch) {
  torch::Tensor query = torch::ones({1, 3}).requires_grad_();
  const torch::Tensor table = torch::arange(6, torch::kFloat32).view({2, 3});
  row_products(query, table).sum().backward();
  EXPECT_TRUE(at::equal(query.grad(), torch::tensor({{3.f, 5.f, 7.f}})));
  torch::NoGradGuard no_grad;
  const torch::Tensor strided = torch::arange(6, torch::kFloat32).view({3, 2}).t();
  EXPECT_TRUE(at::equal(row_products(query, strided), torch::tensor({{6.f, 9.f}})));
  EXPECT_EQ(row_products(query.to(torch::kBFloat16), table.to(torch::kBFloat16)).scalar_type(),
            torch::kBFloat16);
  EXPECT_THROW(row_products(query, torch::ones({2, 4})), base::Error);
}

}  // namespace
}  // namespace kernels
