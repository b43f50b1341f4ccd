#include "kernels/row_products.h"

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/loops.h"

namespace kernels {
namespace {

bool is_plain(const torch::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == torch::kFloat32 && x.is_contiguous() &&
         !(at::GradMode::is_enabled() && x.requires_grad());
}

}  // namespace

torch::Tensor row_products(const torch::Tensor& queries, const torch::Tensor& table) {
  base::check(queries.dim() == 2 && table.dim() == 2 && queries.size(1) == table.size(1),
              "row_products: queries and rows of different widths");
  if (queries.size(0) != 1 || !is_plain(queries) || !is_plain(table))
    return at::mm(queries, table.t());
  const std::int64_t n = table.size(0), width = table.size(1);
  torch::Tensor out = torch::empty({1, n});
  const float *x = queries.const_data_ptr<float>(), *rows = table.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, n, 1024, [&](std::int64_t begin, std::int64_t end) {
    loops::products(rows + begin * width, x, end - begin, width, to + begin);
  });
  return out;
}

}  // namespace kernels
