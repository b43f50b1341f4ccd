#include "kernels/sparse_rows.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"

namespace kernels {
namespace {

// The first row of each owner: rows of owner b are [first[b], first[b + 1]).
std::vector<std::int64_t> first_rows(const torch::Tensor& owners, std::int64_t batch) {
  std::vector<std::int64_t> first(static_cast<std::size_t>(batch) + 1, 0);
  const std::int64_t* owner = owners.data_ptr<std::int64_t>();
  for (std::int64_t k = 0; k < owners.numel(); ++k) {
    base::check(owner[k] >= 0 && owner[k] < batch, "sum_sparse_rows: owner ", owner[k], " of ",
                batch);
    first[static_cast<std::size_t>(owner[k]) + 1] += 1;
  }
  for (std::size_t b = 1; b < first.size(); ++b) first[b] += first[b - 1];
  return first;
}

struct SumRows : torch::autograd::Function<SumRows> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& weights, const torch::Tensor& begins,
                               const torch::Tensor& owners, const torch::Tensor& columns,
                               const torch::Tensor& values, std::int64_t batch,
                               std::int64_t width) {
    context->save_for_backward({begins, owners, columns, values});
    torch::Tensor out = torch::zeros({batch, width});
    const std::vector<std::int64_t> first = first_rows(owners, batch);
    const float* weight = weights.data_ptr<float>();
    const float* value = values.data_ptr<float>();
    const int* column = columns.data_ptr<int>();
    const std::int64_t* begin = begins.data_ptr<std::int64_t>();
    at::parallel_for(0, batch, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t b = from; b < to; ++b) {
        float* row = out.data_ptr<float>() + b * width;
        for (std::int64_t k = first[static_cast<std::size_t>(b)];
             k < first[static_cast<std::size_t>(b) + 1]; ++k)
          for (std::int64_t z = begin[k]; z < begin[k + 1]; ++z)
            row[column[z]] += weight[k] * value[z];
      }
    });
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &begins = saved[0], &owners = saved[1], &columns = saved[2],
                        &values = saved[3];
    const torch::Tensor gradient = gradients[0].contiguous();
    torch::Tensor out = torch::zeros({owners.numel()});
    const std::int64_t width = gradient.size(1);
    const float* value = values.data_ptr<float>();
    const int* column = columns.data_ptr<int>();
    const std::int64_t *begin = begins.data_ptr<std::int64_t>(),
                       *owner = owners.data_ptr<std::int64_t>();
    at::parallel_for(0, owners.numel(), 64, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t k = from; k < to; ++k) {
        const float* row = gradient.data_ptr<float>() + owner[k] * width;
        float sum = 0;
        for (std::int64_t z = begin[k]; z < begin[k + 1]; ++z) sum += row[column[z]] * value[z];
        out.data_ptr<float>()[k] = sum;
      }
    });
    return {out, {}, {}, {}, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor sum_sparse_rows(const torch::Tensor& weights, const SparseRows& rows,
                              std::int64_t batch, std::int64_t width) {
  base::check(weights.numel() == rows.owners.numel() &&
                  rows.begins.numel() == rows.owners.numel() + 1 &&
                  rows.columns.numel() == rows.values.numel(),
              "sum_sparse_rows: ", weights.numel(), " weights, ", rows.owners.numel(), " owners, ",
              rows.begins.numel(), " begins");
  return SumRows::apply(weights.contiguous(), rows.begins, rows.owners, rows.columns, rows.values,
                        batch, width);
}

torch::Tensor sum_sparse_rows_reference(const torch::Tensor& weights, const SparseRows& rows,
                                        std::int64_t batch, std::int64_t width) {
  const torch::Tensor lengths =
      rows.begins.narrow(0, 1, weights.numel()) - rows.begins.narrow(0, 0, weights.numel());
  const torch::Tensor row_of = at::repeat_interleave(lengths);  // [Z]
  const torch::Tensor cells =
      rows.owners.index_select(0, row_of) * width + rows.columns.to(torch::kInt64);
  return torch::zeros({batch * width})
      .index_add(0, cells, rows.values * weights.index_select(0, row_of))
      .view({batch, width});
}

}  // namespace kernels
