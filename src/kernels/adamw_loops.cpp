#include "kernels/adamw_loops.h"

#include <cmath>

#include "kernels/loops_inline.h"

namespace kernels::loops {
namespace {

template <class G>
ATTUNE_INLINE void adamw_body(float* p, const G* gradient, float* m, float* v, bf16* copy,
                              std::int64_t n, const AdamStep& step) {
  const AdamStep s = step;
  const auto move = [&](std::int64_t i) __attribute__((always_inline)) {
    const float g = load(gradient + i) * s.gradient_scale;
    const float first = m[i] + s.new1 * (g - m[i]), second = s.beta2 * v[i] + s.new2 * g * g;
    const float moved =
        p[i] * s.kept - s.rate * first / (std::sqrt(second) * s.root_scale + s.epsilon);
    m[i] = first;
    v[i] = second;
    p[i] = moved;
    return moved;
  };
  if (copy) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) store(copy + i, move(i));
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) move(i);
  }
}

template <class G>
ATTUNE_INLINE double sum_of_squares_body(const G* x, std::int64_t n) {
  constexpr std::int64_t kPart = 1024;
  double sum = 0;
  for (std::int64_t begin = 0; begin < n; begin += kPart) {
    const std::int64_t end = begin + kPart < n ? begin + kPart : n;
    float part = 0;
#pragma omp simd reduction(+ : part)
    for (std::int64_t i = begin; i < end; ++i) part += load(x + i) * load(x + i);
    sum += static_cast<double>(part);
  }
  return sum;
}

}  // namespace

ATTUNE_CLONES void adamw(float* p, const float* gradient, float* m, float* v, bf16* copy,
                         std::int64_t n, const AdamStep& step) {
  adamw_body(p, gradient, m, v, copy, n, step);
}
ATTUNE_CLONES void adamw(float* p, const bf16* gradient, float* m, float* v, bf16* copy,
                         std::int64_t n, const AdamStep& step) {
  adamw_body(p, gradient, m, v, copy, n, step);
}

ATTUNE_CLONES double sum_of_squares(const float* x, std::int64_t n) {
  return sum_of_squares_body(x, n);
}
ATTUNE_CLONES double sum_of_squares(const bf16* x, std::int64_t n) {
  return sum_of_squares_body(x, n);
}

}  // namespace kernels::loops
