#include "kernels/few_rows.h"

#include "base/error.h"
#include "kernels/cuda.h"

namespace kernels {

bool are_few_rows(const torch::Tensor& x, const torch::Tensor& weight) {
  const bool type = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
  return x.is_cuda() && !at::GradMode::is_enabled() && type && x.size(0) > 0 && x.size(0) <= 4 &&
         x.size(1) % 8 == 0 && weight.stride(0) == 1 && weight.stride(1) == x.size(1);
}

torch::Tensor few_rows(const torch::Tensor& x, const torch::Tensor& weight, const FewRows& more) {
  torch::Tensor out = torch::empty({x.size(0), weight.size(1)}, x.options());
  few_rows_out(out, x, weight, more);
  return out;
}

void few_rows_out(torch::Tensor& out, const torch::Tensor& x, const torch::Tensor& weight,
                  const FewRows& more) {
  constexpr unsigned kWarps = 4;           // of a block
  constexpr std::int64_t kOfAWarp = 1024;  // numbers of a column
  base::check(!more.gain.defined() || x.size(1) <= kOfAWarp, "few_rows: rows of ", x.size(1),
              " numbers cannot be normed on the way");
  const unsigned split = x.size(1) <= kOfAWarp ? 1 : x.size(1) <= 2 * kOfAWarp ? 2 : 4;
  const char* name = x.size(0) == 1 ? (more.gain.defined() ? "few_rows1_normed" : "few_rows1")
                                    : (more.gain.defined() ? "few_rows4_normed" : "few_rows4");
  const torch::Tensor rows = x.contiguous();
  const auto n = static_cast<unsigned>(weight.size(1));
  cuda::launch(
      name, x.scalar_type(), {(split * n + kWarps - 1) / kWarps, 1, 32 * kWarps, 0, /*early=*/true},
      cuda::pointer(rows), cuda::pointer(weight), cuda::pointer(more.bias),
      cuda::pointer(more.gain), cuda::pointer(more.shift), static_cast<float>(more.epsilon),
      cuda::pointer(more.residual), cuda::pointer(out), static_cast<int>(x.size(0)),
      static_cast<int>(n), static_cast<int>(x.size(1)), static_cast<long long>(out.stride(0)),
      static_cast<int>(more.gelu), static_cast<int>(split));
}

}  // namespace kernels
