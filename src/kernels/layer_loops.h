#pragma once

#include <cstdint>

#include "kernels/loops.h"

// The passes over whole rows between the matrix products of a layer, over plain memory in fp32 and
// bf16, as in loops.h. Sums are in fp32.
namespace kernels::loops {

// What a row of n numbers was normalised by: (x - mean) * scale, scale = 1 / sqrt(variance +
// epsilon).
struct Moments {
  float mean, scale;
};

// out = (x - mean) * scale * weight + bias.
Moments normalise_row(const float* x, const float* weight, const float* bias, std::int64_t n,
                      float epsilon, float* out);
Moments normalise_row(const bf16* x, const bf16* weight, const bf16* bias, std::int64_t n,
                      float epsilon, bf16* out);

// The gradient of the above with respect to x, added to what already comes from elsewhere (`also`,
// null: nothing), as by_x. Adds the row's part of the gradients of weight and bias to theirs.
void normalise_row_backward(const float* by_out, const float* x, const float* weight,
                            const Moments& moments, std::int64_t n, const float* also, float* by_x,
                            float* by_weight, float* by_bias);
void normalise_row_backward(const bf16* by_out, const bf16* x, const bf16* weight,
                            const Moments& moments, std::int64_t n, const bf16* also, bf16* by_x,
                            float* by_weight, float* by_bias);

// out = gelu(x + bias), by the tanh form: u / (1 + exp(-2 z)), z = sqrt(2 / pi) (u + .044715 u^3)
// (Hendrycks & Gimpel 2016).
void bias_gelu_row(const float* x, const float* bias, std::int64_t n, float* out);
void bias_gelu_row(const bf16* x, const bf16* bias, std::int64_t n, bf16* out);

// What follows the sums of a matrix product: out = f(sums + bias) + residual, f the above or
// nothing; what is null is left out.
template <class T>
struct Finish {
  const T* bias;
  bool gelu;
  const T* residual;
};
void finish_row(const float* sums, const Finish<float>& finish, std::int64_t n, float* out);
void finish_row(const float* sums, const Finish<bf16>& finish, std::int64_t n, bf16* out);

// by_x = the gradient of bias_gelu_row with respect to x, which is also added to that of the bias.
void bias_gelu_row_backward(const float* by_out, const float* x, const float* bias, std::int64_t n,
                            float* by_x, float* by_bias);
void bias_gelu_row_backward(const bf16* by_out, const bf16* x, const bf16* bias, std::int64_t n,
                            bf16* by_x, float* by_bias);

// sum += the row.
void add_row(const float* row, std::int64_t n, float* sum);
void add_row(const bf16* row, std::int64_t n, float* sum);

}  // namespace kernels::loops
