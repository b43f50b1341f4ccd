#include "kernels/probe.h"

#include <chrono>

#include <ATen/Parallel.h>

namespace kernels {
namespace {

template <class F>
double seconds(const F& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double matrix_rate(int threads, torch::Dtype type) {
  const torch::Tensor a = torch::full({512, 1024}, .5f).to(type),
                      b = torch::full({1024, 1024}, .25f).to(type);
  const int before = at::get_num_threads();
  at::set_num_threads(threads);
  constexpr int kTimes = 12;
  at::mm(a, b);  // what it is prepared for once
  const double took = seconds([&] {
    for (int i = 0; i < kTimes; ++i) at::mm(a, b);
  });
  at::set_num_threads(before);
  return 2. * 512 * 1024 * 1024 * kTimes / took / 1e9;
}

}  // namespace

Probe probe(torch::Dtype type) {
  torch::NoGradGuard no_grad;
  const torch::Tensor large = torch::ones({32 << 20});  // 128 MiB, past every cache
  const double took = seconds([&] { large.sum(); });
  const int threads = at::get_num_threads();
  return {matrix_rate(threads, type), matrix_rate(1, type),
          static_cast<double>(large.nbytes()) / took / 1e9};
}

}  // namespace kernels
