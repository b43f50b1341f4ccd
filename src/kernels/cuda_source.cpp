#include "kernels/cuda_source.h"

namespace kernels::cuda {
namespace {

// Compiled twice, with T as float and as bf16, kept in 16 bits here so that no header is needed.
// Sums are in fp32. A kernel's name ends in the type: NAME(x) is x_float or x_bf16.
const char* const kCommon = R"cuda(
typedef unsigned short bf16;
typedef long long int64;

__device__ __forceinline__ float load(const float* p) { return *p; }
__device__ __forceinline__ float load(const bf16* p) {
  return __uint_as_float(static_cast<unsigned>(*p) << 16);
}
__device__ __forceinline__ void store(float* p, float x) { *p = x; }
__device__ __forceinline__ void store(bf16* p, float x) {
  const unsigned bits = __float_as_uint(x);  // rounded to nearest, ties to even
  *p = x != x ? 0x7fff : static_cast<bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Eight numbers at an address that 16 bytes divide.
__device__ __forceinline__ void load8(const float* p, float* x) {
  const float4 a = reinterpret_cast<const float4*>(p)[0], b = reinterpret_cast<const float4*>(p)[1];
  x[0] = a.x; x[1] = a.y; x[2] = a.z; x[3] = a.w;
  x[4] = b.x; x[5] = b.y; x[6] = b.z; x[7] = b.w;
}
__device__ __forceinline__ void load8(const bf16* p, float* x) {
  const uint4 a = *reinterpret_cast<const uint4*>(p);
  const unsigned w[4] = {a.x, a.y, a.z, a.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    x[2 * i] = __uint_as_float(w[i] << 16);
    x[2 * i + 1] = __uint_as_float(w[i] & 0xffff0000u);
  }
}
__device__ __forceinline__ void store8(float* p, const float* x) {
  reinterpret_cast<float4*>(p)[0] = make_float4(x[0], x[1], x[2], x[3]);
  reinterpret_cast<float4*>(p)[1] = make_float4(x[4], x[5], x[6], x[7]);
}
__device__ __forceinline__ void store8(bf16* p, const float* x) {
  bf16 h[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) store(h + i, x[i]);
  uint4 a;
  a.x = h[0] | (static_cast<unsigned>(h[1]) << 16);
  a.y = h[2] | (static_cast<unsigned>(h[3]) << 16);
  a.z = h[4] | (static_cast<unsigned>(h[5]) << 16);
  a.w = h[6] | (static_cast<unsigned>(h[7]) << 16);
  *reinterpret_cast<uint4*>(p) = a;
}

__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(~0u, x, step);
  return x;
}

// Of a kernel that begins before the one ahead of it has ended (cuda::Shape::early): lets the next
// one begin, and waits until all before it is done and can be seen.
__device__ __forceinline__ void let_next_begin() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}
__device__ __forceinline__ void wait_for_others() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Eight numbers as they lie in memory, so that many reads can be under way at once.
template <class T>
struct Packet {
  uint4 words[sizeof(T) / 2];
};
template <class T>
__device__ __forceinline__ Packet<T> read(const T* p) {
  Packet<T> out;
#pragma unroll
  for (int i = 0; i < static_cast<int>(sizeof(T)) / 2; ++i)
    out.words[i] = reinterpret_cast<const uint4*>(p)[i];
  return out;
}
template <class T>
__device__ __forceinline__ void unpack(const Packet<T>& packet, float* x) {
  load8(reinterpret_cast<const T*>(&packet), x);
}

// Of all threads of a block, known to each; `room` holds 32 floats.
__device__ float block_sum(float x, float* room) {
  x = warp_sum(x);
  __syncthreads();  // `room` may still be read from before
  if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = x;
  __syncthreads();
  x = threadIdx.x % 32 < blockDim.x / 32 ? room[threadIdx.x % 32] : 0.f;
  return warp_sum(x);
}

// What is known of a part of a row of logits l: their largest m, sum of e^(l - m), and of l e^(l - m).
struct Sums {
  float largest, sum, weighted;
};
__device__ __forceinline__ Sums nothing() {
  Sums s = {-1e30f, 0.f, 0.f};
  return s;
}
__device__ __forceinline__ Sums join(const Sums& a, const Sums& b) {
  const float m = fmaxf(a.largest, b.largest);
  const float x = __expf(a.largest - m), y = __expf(b.largest - m);
  Sums s = {m, a.sum * x + b.sum * y, a.weighted * x + b.weighted * y};
  return s;
}
__device__ __forceinline__ Sums shuffle(const Sums& s, int step) {
  Sums out = {__shfl_xor_sync(~0u, s.largest, step), __shfl_xor_sync(~0u, s.sum, step),
              __shfl_xor_sync(~0u, s.weighted, step)};
  return out;
}
__device__ __forceinline__ Sums warp_join(Sums s) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) s = join(s, shuffle(s, step));
  return s;
}
__device__ __forceinline__ void add(Sums& s, float l) {
  const float m = fmaxf(s.largest, l);
  const float x = __expf(s.largest - m), e = __expf(l - m);
  s.sum = s.sum * x + e;
  s.weighted = s.weighted * x + e * l;
  s.largest = m;
}

)cuda";

// The kernels by name.
const char* const kEntries =
    R"cuda(
#define ATTUNE_ADD_NORM(NAME, T, MOST)                                                           \
  extern "C" __global__ void add_norm##MOST##_##NAME(                                            \
      const T* residual, const T* x, const T* gain, const T* shift, T* sum, T* out,              \
      float* means, float* scales, int rows, int width, float epsilon) {                         \
    add_norm_row<T, MOST>(residual, x, gain, shift, sum, out, means, scales, rows, width,        \
                          epsilon);                                                              \
  }                                                                                              \
  extern "C" __global__ void norm_backward##MOST##_##NAME(                                       \
      const T* by_out, const T* by_sum, const T* sum, const float* means, const float* scales,   \
      const T* gain, T* to, float* parts, int rows, int width, int centred) {                    \
    norm_backward<T, MOST>(by_out, by_sum, sum, means, scales, gain, to, parts, rows, width,     \
                           centred);                                                             \
  }
#define ATTUNE_ALONE(NAME, T)                                                                    \
  extern "C" __global__ void add_norm_alone_##NAME(                                              \
      const T* residual, const T* x, const T* gain, const T* shift, T* sum, T* out,              \
      float* means, float* scales, int rows, int width, float epsilon) {                         \
    add_norm_alone<T>(residual, x, gain, shift, sum, out, means, scales, width, epsilon);        \
  }                                                                                              \
  extern "C" __global__ void finish_sums_##NAME(const float* parts, T* to, int rows, int n) {    \
    finish_sums<T>(parts, to, rows, n);                                                          \
  }
#define ATTUNE_FEW_ROWS(NAME, T, SUFFIX, ROWS, NORM)                                             \
  extern "C" __global__ void few_rows##SUFFIX##_##NAME(                                          \
      const T* x, const T* w, const T* bias, const T* gain, const T* shift, float epsilon,       \
      const T* residual, T* y, int rows, int n, int k, int64 y_stride, int gelu, int split) {    \
    few_rows<T, ROWS, NORM>(x, w, bias, gain, shift, epsilon, residual, y, rows, n, k, y_stride, \
                            gelu, split);                                                        \
  }
#define ATTUNE_ATTEND(NAME, T, CHUNKS)                                                           \
  extern "C" __global__ void attend##CHUNKS##_##NAME(                                            \
      const T* qkv, T* keys, T* values, const int* slots, const int* positions,                  \
      const int* active, T* out, int heads, int groups, int d, int room, float scale) {          \
    attend_row<T, CHUNKS>(qkv, keys, values, slots, positions, active, out, heads, groups, d,    \
                          room, scale);                                                          \
  }
#define ATTUNE_KERNELS(NAME, T)                                                                  \
  ATTUNE_ALONE(NAME, T)                                                                          \
  ATTUNE_ADD_NORM(NAME, T, 1)                                                                    \
  ATTUNE_ADD_NORM(NAME, T, 4)                                                                    \
  ATTUNE_FEW_ROWS(NAME, T, 1, 1, false)                                                          \
  ATTUNE_FEW_ROWS(NAME, T, 1_normed, 1, true)                                                    \
  ATTUNE_FEW_ROWS(NAME, T, 4, 4, false)                                                          \
  ATTUNE_FEW_ROWS(NAME, T, 4_normed, 4, true)                                                    \
  ATTUNE_ATTEND(NAME, T, 1)                                                                      \
  ATTUNE_ATTEND(NAME, T, 2)                                                                      \
  ATTUNE_ATTEND(NAME, T, 4)                                                                      \
  extern "C" __global__ void column_sums_##NAME(const T* x, float* parts, int rows, int n,       \
                                                int stretch) {                                   \
    column_sums<T>(x, parts, rows, n, stretch);                                                  \
  }                                                                                              \
  extern "C" __global__ void draw_##NAME(                                                        \
      const T* logits, int64 stride, int n, const T* hidden, const T* head, int width,           \
      int* state, const float* temperatures, const double* uniforms, int* tokens,                \
      double* log_probs, int most) {                                                             \
    draw_row<T>(logits, stride, n, hidden, head, width, state, temperatures, uniforms, tokens,   \
                log_probs, most);                                                                \
  }                                                                                              \
  extern "C" __global__ void summarise_##NAME(                                                   \
      const T* logits, int64 stride, int n, float scale, const int64* targets,                   \
      float* log_normalisers, float* entropies, float* log_probs) {                              \
    summarise<T>(logits, stride, n, scale, targets, log_normalisers, entropies, log_probs);      \
  }                                                                                              \
  extern "C" __global__ void row_backward_##NAME(                                                \
      T* logits, int64 stride, int n, float scale, const int64* targets,                         \
      const float* log_normalisers, const float* entropies, const float* by_log_prob,            \
      const float* by_normaliser, const float* by_entropy) {                                     \
    row_backward<T>(logits, stride, n, scale, targets, log_normalisers, entropies, by_log_prob,  \
                    by_normaliser, by_entropy);                                                  \
  }

ATTUNE_KERNELS(float, float)
ATTUNE_KERNELS(bf16, bf16)
)cuda";

}  // namespace

std::string source() { return std::string(kCommon) + kSums + kDecoding + kLogits + kEntries; }

}  // namespace kernels::cuda
