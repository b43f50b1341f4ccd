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
// where there are such. A block a row, a thread for each eight numbers of it; 8 divides the width.
template <class T>
__device__ void add_norm_row(const T* residual, const T* x, const T* gain, const T* shift, T* sum,
                             T* out, float* means, float* scales, int width, float epsilon) {
  __shared__ float room[32];
  const int c = 8 * threadIdx.x;
  const int64 at = static_cast<int64>(blockIdx.x) * width + c;
  const bool mine = c < width;
  float v[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f}, more[8];
  float total = 0.f;
  if (mine) {
    load8(residual + at, v);
    load8(x + at, more);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      T rounded;  // the norm is of what is kept
      store(&rounded, v[i] + more[i]);
      v[i] = load(&rounded);
      total += v[i];
    }
    store8(sum + at, v);
  }
  const float mean = shift ? block_sum(total, room) / width : 0.f;
  float square = 0.f;
  if (mine)
#pragma unroll
    for (int i = 0; i < 8; ++i) square += (v[i] - mean) * (v[i] - mean);
  const float scale = rsqrtf(block_sum(square, room) / width + epsilon);
  if (mine) {
    load8(gain + c, more);
#pragma unroll
    for (int i = 0; i < 8; ++i) v[i] = (v[i] - mean) * scale * more[i];
    if (shift) {
      load8(shift + c, more);
#pragma unroll
      for (int i = 0; i < 8; ++i) v[i] += more[i];
    }
    store8(out + at, v);
  }
  if (threadIdx.x == 0 && scales) {
    means[blockIdx.x] = mean;
    scales[blockIdx.x] = scale;
  }
}

// y[m, n] = f(x[m] . w[n] + bias[n]) + residual[m, n] for up to four rows x, where there are such; w:
// [N, K], 8 divides K. With a gain x is normed first, as in add_norm_row; with gelu f is that, of what
// T keeps. A warp an n: what limits it is reading w once, so that is begun before all else.
template <class T>
__device__ void few_rows(const T* x, const T* w, const T* bias, const T* gain, const T* shift,
                         float epsilon, const T* residual, T* y, int rows, int n, int k,
                         int64 y_stride, int gelu) {
  constexpr int kAhead = 4;
  const int at = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (at >= n) return;
  const T* row = w + static_cast<int64>(at) * k;
  float ahead[kAhead][8];
#pragma unroll
  for (int i = 0; i < kAhead; ++i)
    if (8 * lane + 256 * i < k) load8(row + 8 * lane + 256 * i, ahead[i]);

  float means[4] = {0.f, 0.f, 0.f, 0.f}, scales[4] = {1.f, 1.f, 1.f, 1.f};
  if (gain) {
#pragma unroll
    for (int m = 0; m < 4; ++m) {
      if (m >= rows) break;
      float sum = 0.f, square = 0.f;
      for (int c = 8 * lane; c < k; c += 256) {
        float b[8];
        load8(x + static_cast<int64>(m) * k + c, b);
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          sum += b[i];
          square += b[i] * b[i];
        }
      }
      means[m] = shift ? warp_sum(sum) / k : 0.f;
      scales[m] = rsqrtf(warp_sum(square) / k - means[m] * means[m] + epsilon);
    }
  }

  float sums[4] = {0.f, 0.f, 0.f, 0.f};
  auto add_chunk = [&](const float* a, int c) {
    float g[8], h[8];
    if (gain) load8(gain + c, g);
    if (gain && shift) load8(shift + c, h);
#pragma unroll
    for (int m = 0; m < 4; ++m) {
      if (m >= rows) break;
      float b[8];
      load8(x + static_cast<int64>(m) * k + c, b);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        float v = b[i];
        if (gain) v = (v - means[m]) * scales[m] * g[i] + (shift ? h[i] : 0.f);
        sums[m] += a[i] * v;
      }
    }
  };
#pragma unroll
  for (int i = 0; i < kAhead; ++i)
    if (8 * lane + 256 * i < k) add_chunk(ahead[i], 8 * lane + 256 * i);
#pragma unroll 4
  for (int c = 8 * lane + 256 * kAhead; c < k; c += 256) {
    float a[8];
    load8(row + c, a);
    add_chunk(a, c);
  }
#pragma unroll
  for (int m = 0; m < 4; ++m) sums[m] = warp_sum(sums[m]);
  if (lane > 0) return;
  const float by = bias ? load(bias + at) : 0.f;
#pragma unroll
  for (int m = 0; m < 4; ++m) {
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
// stands at positions[b] of slots[b]; where active[b] is 0 nothing is read or written. 256 threads;
// D divides by 8; shared memory: room + 32 D floats.
template <class T>
__device__ void attend_row(const T* qkv, T* keys, T* values, const int* slots, const int* positions,
                           const int* active, T* out, int heads, int groups, int d, int room,
                           float scale) {
  extern __shared__ float memory[];
  __shared__ float reduced[32];
  const int h = blockIdx.x, b = blockIdx.y, share = heads / groups, g = h / share;
  T* to = out + (static_cast<int64>(b) * heads + h) * d;
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
  float *scores = memory, *mixed = memory + room;
  const int lane = threadIdx.x % 8, first = threadIdx.x / 8, step = blockDim.x / 8;

  // Eight threads a key, eight numbers each at a time; four keys of a thread are read at once. All of
  // a warp stay together.
  constexpr int kKeys = 4;
  float largest = -1e30f;
  for (int j0 = 0; j0 <= n; j0 += kKeys * step) {
    float dots[kKeys] = {0.f, 0.f, 0.f, 0.f};
    for (int c = 8 * lane; c < d; c += 64) {
      float q[8], k[kKeys][8];
#pragma unroll
      for (int u = 0; u < kKeys; ++u) {
        const int j = j0 + u * step + first;
        if (j <= n) load8((j == n ? new_key : keys + base + j * stride) + c, k[u]);
      }
      load8(query + c, q);
#pragma unroll
      for (int u = 0; u < kKeys; ++u)
        if (j0 + u * step + first <= n)
#pragma unroll
          for (int i = 0; i < 8; ++i) dots[u] += q[i] * k[u][i];
    }
#pragma unroll
    for (int u = 0; u < kKeys; ++u) {
      float dot = dots[u];
      dot += __shfl_xor_sync(~0u, dot, 1);
      dot += __shfl_xor_sync(~0u, dot, 2);
      dot += __shfl_xor_sync(~0u, dot, 4);
      const int j = j0 + u * step + first;
      if (j <= n) {
        dot *= scale;
        if (lane == 0) scores[j] = dot;
        largest = fmaxf(largest, dot);
      }
    }
  }
#pragma unroll
  for (int s = 16; s > 0; s >>= 1) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, s));
  if (threadIdx.x % 32 == 0) reduced[threadIdx.x / 32] = largest;
  __syncthreads();
  largest = reduced[0];
  for (int w = 1; w < blockDim.x / 32; ++w) largest = fmaxf(largest, reduced[w]);
  float sum = 0.f;
  for (int j = threadIdx.x; j <= n; j += blockDim.x) {
    const float e = __expf(scores[j] - largest);
    scores[j] = e;
    sum += e;
  }
  sum = block_sum(sum, reduced);
  __syncthreads();

  // Each eighth of a warp adds up every 32nd value; then the 32 sums are added.
  for (int c = 8 * lane; c < d; c += 64) {
    float total[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
#pragma unroll 4
    for (int j = first; j <= n; j += step) {
      float v[8];
      load8((j == n ? new_value : values + base + j * stride) + c, v);
      const float p = scores[j];
#pragma unroll
      for (int i = 0; i < 8; ++i) total[i] += p * v[i];
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) mixed[first * d + c + i] = total[i];
  }
  __syncthreads();
  for (int c = threadIdx.x; c < d; c += blockDim.x) {
    float total = 0.f;
    for (int part = 0; part < step; ++part) total += mixed[part * d + c];
    store(to + c, total / sum);
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

#define ATTUNE_KERNELS(NAME, T)                                                                  \
  extern "C" __global__ void add_norm_##NAME(                                                    \
      const T* residual, const T* x, const T* gain, const T* shift, T* sum, T* out,              \
      float* means, float* scales, int width, float epsilon) {                                   \
    add_norm_row<T>(residual, x, gain, shift, sum, out, means, scales, width, epsilon);          \
  }                                                                                              \
  extern "C" __global__ void few_rows_##NAME(                                                    \
      const T* x, const T* w, const T* bias, const T* gain, const T* shift, float epsilon,       \
      const T* residual, T* y, int rows, int n, int k, int64 y_stride, int gelu) {               \
    few_rows<T>(x, w, bias, gain, shift, epsilon, residual, y, rows, n, k, y_stride, gelu);      \
  }                                                                                              \
  extern "C" __global__ void attend_##NAME(                                                      \
      const T* qkv, T* keys, T* values, const int* slots, const int* positions,                  \
      const int* active, T* out, int heads, int groups, int d, int room, float scale) {          \
    attend_row<T>(qkv, keys, values, slots, positions, active, out, heads, groups, d, room,      \
                  scale);                                                                        \
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
