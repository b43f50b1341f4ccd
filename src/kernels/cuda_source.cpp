#include "kernels/cuda_source.h"

namespace kernels::cuda {

// Compiled twice, with T as float and as bf16, kept in 16 bits here so that no header is needed.
// Sums are in fp32. A kernel's name ends in the type: NAME(x) is x_float or x_bf16.
const char* const kSource = R"cuda(
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

// sum[b] = residual[b] + x[b]; out[b] = its norm, by its own mean and deviation, or without a shift
// by the root of its mean square; those, as ATen's backward wants them, go to means and scales,
// where there are such. A warp a row; 8 divides the width, which is at most 256 kMost.
template <class T, int kMost>
__device__ void add_norm_row(const T* residual, const T* x, const T* gain, const T* shift, T* sum,
                             T* out, float* means, float* scales, int rows, int width,
                             float epsilon) {
  const int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= rows) return;
  const int64 begin = static_cast<int64>(row) * width;
  Packet<T> a[kMost], b[kMost];
#pragma unroll
  for (int i = 0; i < kMost; ++i) {
    const int c = 8 * lane + 256 * i;
    if (c < width) {
      a[i] = read(residual + begin + c);
      b[i] = read(x + begin + c);
    }
  }
  float v[kMost][8], total = 0.f;
#pragma unroll
  for (int i = 0; i < kMost; ++i) {
    const int c = 8 * lane + 256 * i;
    if (c < width) {
      float more[8];
      unpack(a[i], v[i]);
      unpack(b[i], more);
#pragma unroll
      for (int k = 0; k < 8; ++k) {
        T rounded;  // the norm is of what is kept
        store(&rounded, v[i][k] + more[k]);
        v[i][k] = load(&rounded);
        total += v[i][k];
      }
      store8(sum + begin + c, v[i]);
    }
  }
  const float mean = shift ? warp_sum(total) / width : 0.f;
  float square = 0.f;
#pragma unroll
  for (int i = 0; i < kMost; ++i)
    if (8 * lane + 256 * i < width)
#pragma unroll
      for (int k = 0; k < 8; ++k) square += (v[i][k] - mean) * (v[i][k] - mean);
  const float scale = rsqrtf(warp_sum(square) / width + epsilon);
#pragma unroll
  for (int i = 0; i < kMost; ++i) {
    const int c = 8 * lane + 256 * i;
    if (c < width) {
      float g[8], h[8];
      load8(gain + c, g);
      if (shift) load8(shift + c, h);
#pragma unroll
      for (int k = 0; k < 8; ++k)
        v[i][k] = (v[i][k] - mean) * scale * g[k] + (shift ? h[k] : 0.f);
      store8(out + begin + c, v[i]);
    }
  }
  if (lane == 0 && scales) {
    means[row] = mean;
    scales[row] = scale;
  }
}

// The same with a block a row and a thread for each eight numbers, for so few rows that only the
// time of one counts. The width is at most 1024.
template <class T>
__device__ void add_norm_alone(const T* residual, const T* x, const T* gain, const T* shift, T* sum,
                               T* out, float* means, float* scales, int width, float epsilon) {
  __shared__ float totals[4], squares[4];
  const int c = 8 * threadIdx.x, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  const int64 at = static_cast<int64>(blockIdx.x) * width + c;
  const bool mine = c < width;
  let_next_begin();
  Packet<T> a, b, g, h;
  if (mine) {
    g = read(gain + c);
    if (shift) h = read(shift + c);
  }
  wait_for_others();
  float v[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f}, more[8], total = 0.f, square = 0.f;
  if (mine) {
    a = read(residual + at);
    b = read(x + at);
    unpack(a, v);
    unpack(b, more);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      T rounded;
      store(&rounded, v[i] + more[i]);
      v[i] = load(&rounded);
      total += v[i];
      square += v[i] * v[i];
    }
    store8(sum + at, v);
  }
  total = warp_sum(total);
  square = warp_sum(square);
  if (threadIdx.x % 32 == 0) {
    totals[warp] = total;
    squares[warp] = square;
  }
  __syncthreads();
  total = square = 0.f;
  for (int w = 0; w < warps; ++w) {
    total += totals[w];
    square += squares[w];
  }
  const float mean = shift ? total / width : 0.f,
              scale = rsqrtf(square / width - mean * mean + epsilon);
  if (mine) {
    float gains[8], shifts[8];
    unpack(g, gains);
    if (shift) unpack(h, shifts);
#pragma unroll
    for (int i = 0; i < 8; ++i)
      v[i] = (v[i] - mean) * scale * gains[i] + (shift ? shifts[i] : 0.f);
    store8(out + at, v);
  }
  if (threadIdx.x == 0 && scales) {
    means[blockIdx.x] = mean;
    scales[blockIdx.x] = scale;
  }
}

// The gradient of add_norm_row's two summands, of what it did to `out` (by_out) and, where it is
// there, `sum` (by_sum): to `to`. What each block's rows say of gain and shift is added up in
// parts: [blocks, 2, width]. A warp a row at a time, every (blocks * warps)-th.
template <class T, int kMost>
__device__ void norm_backward(const T* by_out, const T* by_sum, const T* sum, const float* means,
                              const float* scales, const T* gain, T* to, float* parts, int rows,
                              int width, int centred) {
  extern __shared__ float memory[];  // [2, width]
  const int warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float by_gain[kMost][8], by_shift[kMost][8], g[kMost][8];
#pragma unroll
  for (int i = 0; i < kMost; ++i)
#pragma unroll
    for (int k = 0; k < 8; ++k) by_gain[i][k] = by_shift[i][k] = g[i][k] = 0.f;
#pragma unroll
  for (int i = 0; i < kMost; ++i)
    if (8 * lane + 256 * i < width) load8(gain + 8 * lane + 256 * i, g[i]);
  for (int row = blockIdx.x * warps + warp; row < rows; row += gridDim.x * warps) {
    const int64 begin = static_cast<int64>(row) * width;
    Packet<T> a[kMost], b[kMost], d[kMost];
#pragma unroll
    for (int i = 0; i < kMost; ++i) {
      const int c = 8 * lane + 256 * i;
      if (c < width) {
        a[i] = read(by_out + begin + c);
        b[i] = read(sum + begin + c);
        if (by_sum) d[i] = read(by_sum + begin + c);
      }
    }
    const float mean = means[row], scale = scales[row];
    float first = 0.f, second = 0.f;  // means of g dy, and of g dy times the normed x
#pragma unroll
    for (int i = 0; i < kMost; ++i)
      if (8 * lane + 256 * i < width) {
        float dy[8], x[8];
        unpack(a[i], dy);
        unpack(b[i], x);
#pragma unroll
        for (int k = 0; k < 8; ++k) {
          const float y = (x[k] - mean) * scale;
          by_gain[i][k] += dy[k] * y;
          by_shift[i][k] += dy[k];
          first += g[i][k] * dy[k];
          second += g[i][k] * dy[k] * y;
        }
      }
    first = centred ? warp_sum(first) / width : 0.f;
    second = warp_sum(second) / width;
#pragma unroll
    for (int i = 0; i < kMost; ++i) {
      const int c = 8 * lane + 256 * i;
      if (c < width) {
        float dy[8], x[8], more[8];
        unpack(a[i], dy);
        unpack(b[i], x);
        if (by_sum) unpack(d[i], more);
#pragma unroll
        for (int k = 0; k < 8; ++k) {
          const float y = (x[k] - mean) * scale;
          x[k] = scale * (g[i][k] * dy[k] - first - y * second) + (by_sum ? more[k] : 0.f);
        }
        store8(to + begin + c, x);
      }
    }
  }
  // One warp after another, so that the sums do not depend on who comes first.
  for (int w = 0; w < warps; ++w) {
    if (w == warp)
#pragma unroll
      for (int i = 0; i < kMost; ++i) {
        const int c = 8 * lane + 256 * i;
        if (c < width)
#pragma unroll
          for (int k = 0; k < 8; ++k) {
            memory[c + k] = (w > 0 ? memory[c + k] : 0.f) + by_gain[i][k];
            memory[width + c + k] = (w > 0 ? memory[width + c + k] : 0.f) + by_shift[i][k];
          }
      }
    __syncthreads();
  }
  for (int c = threadIdx.x; c < 2 * width; c += blockDim.x)
    parts[static_cast<int64>(blockIdx.x) * 2 * width + c] = memory[c];
}

// to[c]: the sum over rows of parts [rows, n]. A block 32 columns, 256 threads.
template <class T>
__device__ void finish_sums(const float* parts, T* to, int rows, int n) {
  __shared__ float memory[8][32];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, c = 32 * blockIdx.x + lane;
  float total = 0.f;
  if (c < n)
#pragma unroll 8
    for (int row = warp; row < rows; row += 8) total += parts[static_cast<int64>(row) * n + c];
  memory[warp][lane] = total;
  __syncthreads();
  if (warp > 0 || c >= n) return;
#pragma unroll
  for (int w = 1; w < 8; ++w) total += memory[w][lane];
  store(to + c, total);
}

// parts[p, c]: the sum of every row of x [rows, n] that block row p of the grid has, in stretches of
// `stretch` rows. 8 divides n. A warp 256 columns; a block of 8 warps.
template <class T>
__device__ void column_sums(const T* x, float* parts, int rows, int n, int stretch) {
  __shared__ float memory[8][256];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, c = 256 * blockIdx.x + 8 * lane;
  float total[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
  const int last = min(rows, static_cast<int>(blockIdx.y + 1) * stretch);
  if (c < n)
#pragma unroll 4
    for (int row = blockIdx.y * stretch + warp; row < last; row += 8) {
      float v[8];
      load8(x + static_cast<int64>(row) * n + c, v);
#pragma unroll
      for (int k = 0; k < 8; ++k) total[k] += v[k];
    }
#pragma unroll
  for (int k = 0; k < 8; ++k) memory[warp][8 * lane + k] = total[k];
  __syncthreads();
  const int at = threadIdx.x;
  float sum = 0.f;
#pragma unroll
  for (int w = 0; w < 8; ++w) sum += memory[w][at];
  if (256 * blockIdx.x + at < n) parts[static_cast<int64>(blockIdx.y) * n + 256 * blockIdx.x + at] = sum;
}

// y[m, n] = f(x[m] . w[n] + bias[n]) + residual[m, n] for up to kRows rows x, where there are such;
// w: [N, K], 8 divides K. With kNorm x is normed first, as in add_norm_row; with gelu f is that, of
// what T keeps. `split` warps, 1, 2 or 4, share an n. What limits it is reading w once, so that is
// begun before all else.
template <class T, int kRows, bool kNorm>
__device__ void few_rows(const T* x, const T* w, const T* bias, const T* gain, const T* shift,
                         float epsilon, const T* residual, T* y, int rows, int n, int k,
                         int64 y_stride, int gelu, int split) {
  constexpr int kAhead = 4;  // packets of a lane that are read at once: 1024 numbers a warp
  __shared__ float shared[4][kRows];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32,
            at = (blockIdx.x * 4 + warp) / split;
  // Each warp of an n has every split-th stretch of 1024 numbers; all that are normed are in one.
  const int first = (warp % split) * 256 * kAhead;
  const T* row = w + static_cast<int64>(min(at, n - 1)) * k;
  let_next_begin();
  Packet<T> a[kAhead], g[kNorm ? kAhead : 1], h[kNorm ? kAhead : 1];
  const auto read_weights = [&](int c0) {
#pragma unroll
    for (int i = 0; i < kAhead; ++i)
      if (c0 + 256 * i < k) {
        a[i] = read(row + c0 + 256 * i);
        if (kNorm) {
          g[i] = read(gain + c0 + 256 * i);
          if (shift) h[i] = read(shift + c0 + 256 * i);
        }
      }
  };
  read_weights(first + 8 * lane);  // which nobody writes
  wait_for_others();
  float sums[kRows];
#pragma unroll
  for (int m = 0; m < kRows; ++m) sums[m] = 0.f;
  for (int begin = first; begin < k; begin += split * 256 * kAhead) {
    const int c0 = begin + 8 * lane;
    if (begin > first) read_weights(c0);
    Packet<T> b[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i)
      if (c0 + 256 * i < k) b[i] = read(x + c0 + 256 * i);
#pragma unroll
    for (int m = 0; m < kRows; ++m) {
      if (m >= rows) break;
      float mean = 0.f, scale = 1.f;
      if (m > 0)
#pragma unroll
        for (int i = 0; i < kAhead; ++i)
          if (c0 + 256 * i < k) b[i] = read(x + static_cast<int64>(m) * k + c0 + 256 * i);
      if (kNorm) {
        float sum = 0.f, square = 0.f;
#pragma unroll
        for (int i = 0; i < kAhead; ++i)
          if (c0 + 256 * i < k) {
            float v[8];
            unpack(b[i], v);
#pragma unroll
            for (int j = 0; j < 8; ++j) {
              sum += v[j];
              square += v[j] * v[j];
            }
          }
        mean = shift ? warp_sum(sum) / k : 0.f;
        scale = rsqrtf(warp_sum(square) / k - mean * mean + epsilon);
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i)
        if (c0 + 256 * i < k) {
          float p[8], v[8], gains[8], shifts[8];
          unpack(a[i], p);
          unpack(b[i], v);
          if (kNorm) {
            unpack(g[i], gains);
            if (shift) unpack(h[i], shifts);
          }
#pragma unroll
          for (int j = 0; j < 8; ++j) {
            if (kNorm) v[j] = (v[j] - mean) * scale * gains[j] + (shift ? shifts[j] : 0.f);
            sums[m] += p[j] * v[j];
          }
        }
    }
  }
#pragma unroll
  for (int m = 0; m < kRows; ++m) sums[m] = warp_sum(sums[m]);
  if (split > 1) {
    if (lane == 0)
#pragma unroll
      for (int m = 0; m < kRows; ++m) shared[warp][m] = sums[m];
    __syncthreads();
    if (warp % split > 0) return;
#pragma unroll
    for (int m = 0; m < kRows; ++m)
      for (int s = 1; s < split; ++s) sums[m] += shared[warp + s][m];
  }
  if (lane > 0 || at >= n) return;
  const float by = bias ? load(bias + at) : 0.f;
#pragma unroll
  for (int m = 0; m < kRows; ++m) {
    if (m >= rows) break;
    float v = sums[m] + by;
    if (gelu) {
      T rounded;
      store(&rounded, v);
      v = load(&rounded);
      v = .5f * v * (1.f + tanhf(.7978845608f * (v + .044715f * v * v * v)));
    }
    if (residual) v += load(residual + static_cast<int64>(m) * n + at);
    store(y + m * y_stride + at, v);
  }
}

// One query a row against what is cached of its sequence, whose newest key and value are put there
// first. Block (h, b): head h of row b. qkv: [B, (H + 2G) D]; keys, values: [S, room, G, D]; row b
// stands at positions[b] of slots[b]; where active[b] is 0 nothing is read or written. 8 divides D,
// which is at most 64 kChunks; shared memory: D + 2 floats a warp.
template <class T, int kChunks>
__device__ void attend_row(const T* qkv, T* keys, T* values, const int* slots, const int* positions,
                           const int* active, T* out, int heads, int groups, int d, int room,
                           float scale) {
  extern __shared__ float memory[];
  constexpr int kKeys = kChunks > 1 ? 2 : 4;  // of a thread that are read at once
  const int h = blockIdx.x, b = blockIdx.y, share = heads / groups, g = h / share;
  T* to = out + (static_cast<int64>(b) * heads + h) * d;
  let_next_begin();
  wait_for_others();
  if (!active[b]) {
    for (int c = threadIdx.x; c < d; c += blockDim.x) store(to + c, 0.f);
    return;
  }
  const int n = positions[b];  // cached before
  const T* row = qkv + static_cast<int64>(b) * (heads + 2 * groups) * d;
  const T *query = row + h * d, *new_key = row + (heads + g) * d,
          *new_value = row + (heads + groups + g) * d;
  const int64 base = (static_cast<int64>(slots[b]) * room * groups + g) * d;
  const int64 stride = static_cast<int64>(groups) * d;
  if (h % share == 0)
    for (int c = threadIdx.x; c < d; c += blockDim.x) {
      keys[base + n * stride + c] = new_key[c];
      values[base + n * stride + c] = new_value[c];
    }

  // Eight threads a key, eight numbers each; such groups take the keys in turn, and keep the largest
  // of their scores so far, the sum of exponentials less that, and what these weigh of the values.
  const int lane = threadIdx.x % 8, first = threadIdx.x / 8, step = blockDim.x / 8;
  float q[kChunks][8], mixed[kChunks][8], largest = -1e30f, sum = 0.f;
#pragma unroll
  for (int u = 0; u < kChunks; ++u) {
#pragma unroll
    for (int i = 0; i < 8; ++i) q[u][i] = mixed[u][i] = 0.f;
    if (8 * lane + 64 * u < d) load8(query + 8 * lane + 64 * u, q[u]);
  }
  for (int j0 = 0; j0 <= n; j0 += kKeys * step) {  // all of a warp stay together
    Packet<T> k[kKeys][kChunks], v[kKeys][kChunks];
#pragma unroll
    for (int s = 0; s < kKeys; ++s) {
      const int j = j0 + s * step + first;
#pragma unroll
      for (int u = 0; u < kChunks; ++u) {
        const int c = 8 * lane + 64 * u;
        if (j <= n && c < d) {
          k[s][u] = read((j == n ? new_key : keys + base + j * stride) + c);
          v[s][u] = read((j == n ? new_value : values + base + j * stride) + c);
        }
      }
    }
#pragma unroll
    for (int s = 0; s < kKeys; ++s) {
      const int j = j0 + s * step + first;
      float dot = 0.f, x[8];
#pragma unroll
      for (int u = 0; u < kChunks; ++u)
        if (j <= n && 8 * lane + 64 * u < d) {
          unpack(k[s][u], x);
#pragma unroll
          for (int i = 0; i < 8; ++i) dot += q[u][i] * x[i];
        }
      dot += __shfl_xor_sync(~0u, dot, 1);
      dot += __shfl_xor_sync(~0u, dot, 2);
      dot += __shfl_xor_sync(~0u, dot, 4);
      if (j > n) continue;
      dot *= scale;
      const float m = fmaxf(largest, dot), down = __expf(largest - m), e = __expf(dot - m);
      largest = m;
      sum = sum * down + e;
#pragma unroll
      for (int u = 0; u < kChunks; ++u)
        if (8 * lane + 64 * u < d) {
          unpack(v[s][u], x);
#pragma unroll
          for (int i = 0; i < 8; ++i) mixed[u][i] = mixed[u][i] * down + e * x[i];
        }
    }
  }
  // The four of a warp, then the warps.
#pragma unroll
  for (int s = 8; s < 32; s <<= 1) {
    const float other = __shfl_xor_sync(~0u, largest, s), m = fmaxf(largest, other),
                mine = __expf(largest - m), its = __expf(other - m);
    sum = sum * mine + __shfl_xor_sync(~0u, sum, s) * its;
#pragma unroll
    for (int u = 0; u < kChunks; ++u)
#pragma unroll
      for (int i = 0; i < 8; ++i)
        mixed[u][i] = mixed[u][i] * mine + __shfl_xor_sync(~0u, mixed[u][i], s) * its;
    largest = m;
  }
  const int warp = threadIdx.x / 32, warps = blockDim.x / 32;
  float *largests = memory, *all = memory + warps, *rows = memory + 2 * warps;
  if (threadIdx.x % 32 < 8) {
    if (lane == 0) {
      largests[warp] = largest;
      all[warp] = sum;
    }
#pragma unroll
    for (int u = 0; u < kChunks; ++u)
      if (8 * lane + 64 * u < d)
#pragma unroll
        for (int i = 0; i < 8; ++i) rows[warp * d + 8 * lane + 64 * u + i] = mixed[u][i];
  }
  __syncthreads();
  for (int c = threadIdx.x; c < d; c += blockDim.x) {
    float m = largests[0], total = 0.f, weight = 0.f;
    for (int w = 1; w < warps; ++w) m = fmaxf(m, largests[w]);
    for (int w = 0; w < warps; ++w) {
      const float e = __expf(largests[w] - m);
      total += e * rows[w * d + c];
      weight += e * all[w];
    }
    store(to + c, total / weight);
  }
}

// Which outcome a row draws next: kernels/draw_step.h says what the fields of `state`, [fields, B],
// mean. A block of 1024 threads a row; each warp has a stretch of the outcomes.
enum { kSlot, kPosition, kToken, kActive, kEnd, kOther, kStep, kPause, kLimit };
template <class T>
__device__ void draw_row(const T* logits, int64 stride, int n, const T* hidden, const T* head,
                         int width, int* state, const float* temperatures, const double* uniforms,
                         int* tokens, double* log_probs, int most) {
  __shared__ Sums parts[32];
  __shared__ float room[32];
  __shared__ int indices[32];
  __shared__ float extra;
  const int b = blockIdx.x, batch = gridDim.x, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int* field = state + b;
  let_next_begin();
  wait_for_others();
  if (!field[kActive * batch]) return;
  const int end = field[kEnd * batch], other = field[kOther * batch], step = field[kStep * batch],
            limit = field[kLimit * batch];
  const float temperature = temperatures[b], scale = temperature > 0.f ? 1.f / temperature : 1.f;
  const T* row = logits + b * stride;

  float dot = 0.f;
  if (other >= 0)
    for (int c = threadIdx.x; c < width; c += blockDim.x)
      dot += load(hidden + static_cast<int64>(b) * width + c) *
             load(head + static_cast<int64>(other) * width + c);
  dot = block_sum(dot, room);
  if (threadIdx.x == 0) extra = dot * scale;
  __syncthreads();

  // Outcome n, beside the rows, is the other token; while it may come the end may not.
  const int outcomes = other >= 0 ? n + 1 : n, stretch = ((outcomes + 31) / 32 + 7) / 8 * 8,
            begin = warp * stretch, last = min(outcomes, begin + stretch);
  const float kNever = -1e30f;
  auto logit = [&](int j) {
    return j == n ? extra : (other >= 0 && j == end) ? kNever : load(row + j) * scale;
  };
  // The logits of outcomes c to c + 7, kNever for what is none.
  const bool aligned = stride % 8 == 0;
  auto logits8 = [&](int c, float* x) {
    if (aligned && c + 8 <= n && !(other >= 0 && end >= c && end < c + 8)) {
      load8(row + c, x);
#pragma unroll
      for (int i = 0; i < 8; ++i) x[i] *= scale;
    } else {
#pragma unroll
      for (int i = 0; i < 8; ++i) x[i] = c + i < outcomes ? logit(c + i) : kNever;
    }
  };
  Sums mine = nothing();
  int best = 0x7fffffff;
#pragma unroll 2
  for (int c = begin + 8 * lane; c < last; c += 256) {
    float x[8], m = mine.largest;
    logits8(c, x);
#pragma unroll
    for (int i = 0; i < 8; ++i)
      if (x[i] > m) {
        m = x[i];
        best = c + i;
      }
    float sum = mine.sum * __expf(mine.largest - m);
#pragma unroll
    for (int i = 0; i < 8; ++i) sum += x[i] > kNever ? __expf(x[i] - m) : 0.f;
    mine.largest = m;
    mine.sum = sum;
  }
  const float own_largest = mine.largest;
  mine = warp_join(mine);
  if (own_largest < mine.largest) best = 0x7fffffff;
#pragma unroll
  for (int s = 16; s > 0; s >>= 1) best = min(best, __shfl_xor_sync(~0u, best, s));
  if (lane == 0) {
    parts[warp] = mine;
    indices[warp] = best;
  }
  __syncthreads();

  // The first warp finds the stretch, and in it the outcome.
  if (warp > 0) return;
  const Sums all = warp_join(parts[lane]);
  int drawn;
  const bool forced = other >= 0 && step + 1 >= limit;
  if (forced) {
    drawn = n;
  } else if (temperature == 0.f) {
    drawn = parts[lane].largest == all.largest ? indices[lane] : 0x7fffffff;
#pragma unroll
    for (int s = 16; s > 0; s >>= 1) drawn = min(drawn, __shfl_xor_sync(~0u, drawn, s));
  } else {
    float left = static_cast<float>(uniforms[static_cast<int64>(b) * most + step]) * all.sum;
    int chosen = -1, heavy = 0;
    for (int w = 0; w < 32 && chosen < 0; ++w) {
      const float mass = parts[w].sum * __expf(parts[w].largest - all.largest);
      if (mass > 0.f) heavy = w;
      if (left < mass) chosen = w; else left -= mass;
    }
    if (chosen < 0) {  // rounding used up what was left: the last that can be drawn
      chosen = heavy;
      left = 1e30f;
    }
    drawn = -1;
    int candidate = -1;  // the last that can be drawn
    const int from = chosen * stretch, to = min(outcomes, from + stretch);
    for (int c0 = from; c0 < to && drawn < 0; c0 += 256) {
      const int c = c0 + 8 * lane;
      float e[8], own = 0.f;
      int possible = -1;
      if (c < to) logits8(c, e);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        e[i] = c < to && e[i] > kNever ? __expf(e[i] - all.largest) : 0.f;
        own += e[i];
        if (e[i] > 0.f) possible = c + i;
      }
      float below = own;  // of this lane and those before it
#pragma unroll
      for (int s = 1; s < 32; s <<= 1) {
        const float before = __shfl_up_sync(~0u, below, s);
        if (lane >= s) below += before;
      }
      const unsigned can = __ballot_sync(~0u, possible >= 0);
      if (can) candidate = __shfl_sync(~0u, possible, 31 - __clz(can));
      const unsigned over = __ballot_sync(~0u, possible >= 0 && left < below);
      if (over) {
        int pick = possible;
        float rest = left - (below - own);
        bool found = false;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          rest -= e[i];
          if (!found && rest < 0.f && e[i] > 0.f) {
            pick = c + i;
            found = true;
          }
        }
        drawn = __shfl_sync(~0u, pick, __ffs(over) - 1);
      }
      left -= __shfl_sync(~0u, below, 31);
    }
    if (drawn < 0) drawn = candidate >= 0 ? candidate : indices[chosen];
  }
  if (lane > 0) return;
  const int token = drawn == n ? other : drawn;
  tokens[static_cast<int64>(b) * most + step] = token;
  log_probs[static_cast<int64>(b) * most + step] =
      forced ? 0.f : logit(drawn) - all.largest - __logf(all.sum);
  field[kStep * batch] = step + 1;
  if (drawn == n) field[kOther * batch] = -1;
  if (token == end || step + 1 >= field[kPause * batch]) {
    field[kActive * batch] = 0;
  } else {
    field[kToken * batch] = token;
    field[kPosition * batch] += 1;
  }
}

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

}  // namespace kernels::cuda
