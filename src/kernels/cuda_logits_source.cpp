#include "kernels/cuda_source.h"

namespace kernels::cuda {

// Rows of logits: what the output layer wants to know of them, and their gradient.
const char* const kLogits = R"cuda(
// Of each row of logits, scaled: log-sum-exp, entropy, and the target's log-probability. A block a
// row; the row's begin divides by 16 bytes.
template <class T>
__device__ void summarise(const T* logits, int64 stride, int n, float scale, const int64* targets,
                          float* log_normalisers, float* entropies, float* log_probs) {
  __shared__ Sums parts[32];
  const int64 t = blockIdx.x;
  const T* row = logits + t * stride;
  Sums mine = nothing();
  const int whole = n / 8;
  for (int i = threadIdx.x; i < whole; i += blockDim.x) {
    float x[8], m = mine.largest;
    load8(row + 8 * i, x);
#pragma unroll
    for (int k = 0; k < 8; ++k) {
      x[k] *= scale;
      m = fmaxf(m, x[k]);
    }
    const float down = __expf(mine.largest - m);
    mine.sum *= down;
    mine.weighted *= down;
    mine.largest = m;
#pragma unroll
    for (int k = 0; k < 8; ++k) {
      const float e = __expf(x[k] - m);
      mine.sum += e;
      mine.weighted += e * x[k];
    }
  }
  for (int j = 8 * whole + threadIdx.x; j < n; j += blockDim.x) add(mine, load(row + j) * scale);
  mine = warp_join(mine);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = mine;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  mine = warp_join(threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : nothing());
  if (threadIdx.x > 0) return;
  const float normaliser = mine.largest + logf(mine.sum);
  log_normalisers[t] = normaliser;
  entropies[t] = normaliser - mine.weighted / mine.sum;
  log_probs[t] = targets[t] >= 0 ? load(row + targets[t]) * scale - normaliser : 0.f;
}

// A row of logits becomes its own gradient, as loops::row_backward.
template <class T>
__device__ void row_backward(T* logits, int64 stride, int n, float scale, const int64* targets,
                             const float* log_normalisers, const float* entropies,
                             const float* by_log_prob, const float* by_normaliser,
                             const float* by_entropy) {
  const int64 t = blockIdx.x, target = targets[t];
  T* row = logits + t * stride;
  const float normaliser = log_normalisers[t], entropy = entropies[t],
              by_target = target >= 0 ? by_log_prob[t] : 0.f,
              through = (by_normaliser ? by_normaliser[t] : 0.f) - by_target,
              by_h = by_entropy ? by_entropy[t] : 0.f;
  const int whole = n / 8;
  auto gradient = [&](float l, int64 j) {
    const float log_p = l * scale - normaliser;
    float g = __expf(log_p) * (through - by_h * (log_p + entropy));
    if (j == target) g += by_target;
    return scale * g;
  };
  for (int i = threadIdx.x; i < whole; i += blockDim.x) {
    float x[8];
    load8(row + 8 * i, x);
#pragma unroll
    for (int k = 0; k < 8; ++k) x[k] = gradient(x[k], 8 * i + k);
    store8(row + 8 * i, x);
  }
  for (int j = 8 * whole + threadIdx.x; j < n; j += blockDim.x)
    store(row + j, gradient(load(row + j), j));
}

)cuda";

}  // namespace kernels::cuda
