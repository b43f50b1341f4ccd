#include "kernels/cuda_source.h"

namespace kernels::cuda {

// A step of decoding: products of a few rows, attention against the cache, drawing.
const char* const kDecoding = R"cuda(
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

)cuda";

}  // namespace kernels::cuda
