#include "kernels/layer_loops.h"

#include <cmath>

#include "kernels/loops_inline.h"

namespace kernels::loops {
namespace {

template <class T>
ATTUNE_INLINE Moments normalise_row_body(const T* x, const T* weight, const T* bias, std::int64_t n,
                                         float epsilon, T* out) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += load(x + i);
  const float mean = sum / static_cast<float>(n);
  float squares = 0;
#pragma omp simd reduction(+ : squares)
  for (std::int64_t i = 0; i < n; ++i) {
    const float d = load(x + i) - mean;
    squares += d * d;
  }
  const float scale = 1.f / std::sqrt(squares / static_cast<float>(n) + epsilon);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i)
    store(out + i, (load(x + i) - mean) * scale * load(weight + i) + load(bias + i));
  return {mean, scale};
}

// With h = (x - mean) * scale and g = by_out * weight:
//   by_x = scale * (g - mean(g) - h * mean(g * h)).
template <class T>
ATTUNE_INLINE void normalise_row_backward_body(const T* by_out, const T* x, const T* weight,
                                               const Moments& moments, std::int64_t n,
                                               const T* also, T* by_x, float* by_weight,
                                               float* by_bias) {
  const float mean = moments.mean, scale = moments.scale;
  float sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
  for (std::int64_t i = 0; i < n; ++i) {
    const float up = load(by_out + i), h = (load(x + i) - mean) * scale, g = up * load(weight + i);
    sum += g;
    product += g * h;
    by_weight[i] += up * h;
    by_bias[i] += up;
  }
  const float by_sum = sum / static_cast<float>(n), by_product = product / static_cast<float>(n);
  const auto own = [&](std::int64_t i) __attribute__((always_inline)) {
    const float h = (load(x + i) - mean) * scale, g = load(by_out + i) * load(weight + i);
    return scale * (g - by_sum - h * by_product);
  };
  if (also) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) store(by_x + i, load(also + i) + own(i));
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) store(by_x + i, own(i));
  }
}

constexpr float kTwiceSqrt = 1.5957691216f, kCube = .044715f;  // 2 sqrt(2 / pi)

// sigmoid(2 z) = (1 + tanh z) / 2.
ATTUNE_INLINE float gelu_gate(float u) {
  return 1.f / (1.f + fast_exp(-kTwiceSqrt * (u + kCube * u * u * u)));
}

template <class T>
ATTUNE_INLINE void bias_gelu_row_body(const T* x, const T* bias, std::int64_t n, T* out) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float u = load(x + i) + load(bias + i);
    store(out + i, u * gelu_gate(u));
  }
}

template <bool gelu, class T>
ATTUNE_INLINE void finish_row_with(const float* sums, const Finish<T>& finish, std::int64_t n,
                                   T* out) {
  const T *bias = finish.bias, *residual = finish.residual;
  const auto own = [&](std::int64_t i) __attribute__((always_inline)) {
    const float u = sums[i] + (bias ? load(bias + i) : 0.f);
    return gelu ? u * gelu_gate(u) : u;
  };
  if (residual) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) store(out + i, own(i) + load(residual + i));
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) store(out + i, own(i));
  }
}

template <class T>
ATTUNE_INLINE void finish_row_body(const float* sums, const Finish<T>& finish, std::int64_t n,
                                   T* out) {
  if (finish.gelu)
    finish_row_with<true>(sums, finish, n, out);
  else
    finish_row_with<false>(sums, finish, n, out);
}

template <class T>
ATTUNE_INLINE void bias_gelu_row_backward_body(const T* by_out, const T* x, const T* bias,
                                               std::int64_t n, T* by_x, float* by_bias) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float u = load(x + i) + load(bias + i), gate = gelu_gate(u);
    const float slope = gate + u * gate * (1.f - gate) * kTwiceSqrt * (1.f + 3.f * kCube * u * u);
    const float own = load(by_out + i) * slope;
    store(by_x + i, own);
    by_bias[i] += own;
  }
}

template <class T>
ATTUNE_INLINE void add_row_body(const T* row, std::int64_t n, float* sum) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) sum[i] += load(row + i);
}

}  // namespace

ATTUNE_CLONES Moments normalise_row(const float* x, const float* weight, const float* bias,
                                    std::int64_t n, float epsilon, float* out) {
  return normalise_row_body(x, weight, bias, n, epsilon, out);
}
ATTUNE_CLONES Moments normalise_row(const bf16* x, const bf16* weight, const bf16* bias,
                                    std::int64_t n, float epsilon, bf16* out) {
  return normalise_row_body(x, weight, bias, n, epsilon, out);
}

ATTUNE_CLONES void normalise_row_backward(const float* by_out, const float* x, const float* weight,
                                          const Moments& moments, std::int64_t n, const float* also,
                                          float* by_x, float* by_weight, float* by_bias) {
  normalise_row_backward_body(by_out, x, weight, moments, n, also, by_x, by_weight, by_bias);
}
ATTUNE_CLONES void normalise_row_backward(const bf16* by_out, const bf16* x, const bf16* weight,
                                          const Moments& moments, std::int64_t n, const bf16* also,
                                          bf16* by_x, float* by_weight, float* by_bias) {
  normalise_row_backward_body(by_out, x, weight, moments, n, also, by_x, by_weight, by_bias);
}

ATTUNE_CLONES void bias_gelu_row(const float* x, const float* bias, std::int64_t n, float* out) {
  bias_gelu_row_body(x, bias, n, out);
}
ATTUNE_CLONES void bias_gelu_row(const bf16* x, const bf16* bias, std::int64_t n, bf16* out) {
  bias_gelu_row_body(x, bias, n, out);
}

ATTUNE_CLONES void finish_row(const float* sums, const Finish<float>& finish, std::int64_t n,
                              float* out) {
  finish_row_body(sums, finish, n, out);
}
ATTUNE_CLONES void finish_row(const float* sums, const Finish<bf16>& finish, std::int64_t n,
                              bf16* out) {
  finish_row_body(sums, finish, n, out);
}

ATTUNE_CLONES void bias_gelu_row_backward(const float* by_out, const float* x, const float* bias,
                                          std::int64_t n, float* by_x, float* by_bias) {
  bias_gelu_row_backward_body(by_out, x, bias, n, by_x, by_bias);
}
ATTUNE_CLONES void bias_gelu_row_backward(const bf16* by_out, const bf16* x, const bf16* bias,
                                          std::int64_t n, bf16* by_x, float* by_bias) {
  bias_gelu_row_backward_body(by_out, x, bias, n, by_x, by_bias);
}

ATTUNE_CLONES void add_row(const float* row, std::int64_t n, float* sum) {
  add_row_body(row, n, sum);
}
ATTUNE_CLONES void add_row(const bf16* row, std::int64_t n, float* sum) {
  add_row_body(row, n, sum);
}

}  // namespace kernels::loops
