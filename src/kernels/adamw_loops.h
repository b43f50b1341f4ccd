#pragma once

#include <cstdint>

#include "kernels/loops.h"

// AdamW's pass over plain memory, as in loops.h.
namespace kernels::loops {

// One step, with the factors that are the same for all numbers:
//   g = gradient * gradient_scale
//   m += new1 (g - m);  v = beta2 v + new2 g^2
//   p = p * kept - rate * m / (sqrt(v) * root_scale + epsilon)
struct AdamStep {
  float gradient_scale;
  float new1, beta2, new2;  // 1 - beta1, beta2, 1 - beta2
  float kept;               // 1 - learning rate * weight decay
  float rate;               // learning rate / (1 - beta1^t)
  float root_scale;         // 1 / sqrt(1 - beta2^t)
  float epsilon;
};

// p, m, v: n numbers each. copy: p again in bf16, null: none.
void adamw(float* p, const float* gradient, float* m, float* v, bf16* copy, std::int64_t n,
           const AdamStep& step);
void adamw(float* p, const bf16* gradient, float* m, float* v, bf16* copy, std::int64_t n,
           const AdamStep& step);

// The sum of squares, of parts of 1,024 numbers in fp32.
double sum_of_squares(const float* x, std::int64_t n);
double sum_of_squares(const bf16* x, std::int64_t n);

}  // namespace kernels::loops
