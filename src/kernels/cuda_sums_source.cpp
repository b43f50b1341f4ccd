#include "kernels/cuda_source.h"

namespace kernels::cuda {

// Sums with their norm, forward and backward, and sums of columns.
const char* const kSums = R"cuda(
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

)cuda";

}  // namespace kernels::cuda
