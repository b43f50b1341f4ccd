#include "kernels/loops.h"

#include <cmath>
#include <limits>

#include "kernels/loops_inline.h"

namespace kernels::loops {
namespace {

// Partial results side by side, enough of them to hide the latency of what joins them.
constexpr std::int64_t kLanes = 64;

template <class T>
ATTUNE_INLINE float row_max(const T* row, std::int64_t n) {
  float lanes[kLanes];
  for (float& lane : lanes) lane = -std::numeric_limits<float>::infinity();
  std::int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes)
#pragma omp simd
    for (std::int64_t k = 0; k < kLanes; ++k) {
      const float value = load(row + j + k);
      lanes[k] = value > lanes[k] ? value : lanes[k];
    }
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (std::int64_t k = 0; k < kLanes; ++k) largest = lanes[k] > largest ? lanes[k] : largest;
  for (; j < n; ++j) {
    const float value = load(row + j);
    largest = value > largest ? value : largest;
  }
  return largest;
}

template <class T>
ATTUNE_INLINE void causal_softmax_body(T* scores, std::int64_t t, std::int64_t before,
                                       float scale) {
  const std::int64_t columns = before + t;
  for (std::int64_t i = 0; i < t; ++i) {
    T* row = scores + i * columns;
    const std::int64_t seen = before + i + 1;
    const float largest = row_max(row, seen);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t j = 0; j < seen; ++j) sum += fast_exp((load(row + j) - largest) * scale);
    const float inverse = 1.f / sum;
#pragma omp simd
    for (std::int64_t j = 0; j < seen; ++j)
      store(row + j, fast_exp((load(row + j) - largest) * scale) * inverse);
    for (std::int64_t j = seen; j < columns; ++j) row[j] = T{};
  }
}

template <class T>
ATTUNE_INLINE void causal_softmax_backward_body(const T* probabilities, T* gradient, std::int64_t t,
                                                std::int64_t before, float scale) {
  const std::int64_t columns = before + t;
  for (std::int64_t i = 0; i < t; ++i) {
    const T* p = probabilities + i * columns;
    T* g = gradient + i * columns;
    const std::int64_t seen = before + i + 1;
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (std::int64_t j = 0; j < seen; ++j) dot += load(p + j) * load(g + j);
#pragma omp simd
    for (std::int64_t j = 0; j < seen; ++j) store(g + j, scale * load(p + j) * (load(g + j) - dot));
    for (std::int64_t j = seen; j < columns; ++j) g[j] = T{};
  }
}

template <class T>
ATTUNE_INLINE RowSummary summarise_row_body(const T* logits, std::int64_t n, float scale) {
  const float largest = row_max(logits, n);
  float sums[kLanes] = {}, weights[kLanes] = {};
  std::int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes)
#pragma omp simd
    for (std::int64_t k = 0; k < kLanes; ++k) {
      const float z = (load(logits + j + k) - largest) * scale;
      const float e = fast_exp(z);
      sums[k] += e;
      weights[k] += e * z;
    }
  float sum = 0, weighted = 0;
#pragma omp simd reduction(+ : sum, weighted)
  for (std::int64_t k = 0; k < kLanes; ++k) {
    sum += sums[k];
    weighted += weights[k];
  }
  for (; j < n; ++j) {
    const float z = (load(logits + j) - largest) * scale;
    const float e = fast_exp(z);
    sum += e;
    weighted += e * z;
  }
  const float log_sum = std::log(sum);
  return {largest * scale + log_sum, log_sum - weighted / sum};  // H = log Z - E[z]
}

ATTUNE_INLINE float sum_exp_body(const float* logits, std::int64_t n, float scale, float largest) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t j = 0; j < n; ++j) sum += fast_exp((logits[j] - largest) * scale);
  return sum;
}

template <class T>
ATTUNE_INLINE void row_backward_body(T* logits, std::int64_t n, float scale, const RowSummary& row,
                                     const RowGradient& gradient) {
  // d log p_t / dz_j = [j = t] - p_j;  d log Z / dz_j = p_j;  d H / dz_j = -p_j (log p_j + H)
  const float through_p = gradient.normaliser - (gradient.target >= 0 ? gradient.log_prob : 0.f);
  const float normaliser = row.log_normaliser, entropy = row.entropy, by_entropy = gradient.entropy;
#pragma omp simd
  for (std::int64_t j = 0; j < n; ++j) {
    const float log_p = load(logits + j) * scale - normaliser;
    const float p = fast_exp(log_p);
    store(logits + j, scale * p * (through_p - by_entropy * (log_p + entropy)));
  }
  if (gradient.target >= 0) {
    T* at = logits + gradient.target;
    store(at, load(at) + scale * gradient.log_prob);
  }
}

// A 32-bit hash of key and index (murmur3's finaliser).
ATTUNE_INLINE std::uint32_t hash_index(std::uint32_t index, std::uint32_t low, std::uint32_t high) {
  std::uint32_t h = (index * 0x9E3779B9u + low) ^ high;
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  return h ^ (h >> 16);
}

template <bool with_residual, class T>
ATTUNE_INLINE void dropout_body(const T* residual, const T* x, T* out, std::int64_t n,
                                std::int64_t first, std::uint64_t key, float p) {
  const auto low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  const auto threshold = static_cast<std::int32_t>(static_cast<double>(p) * 2147483648.0);
  const float kept = 1.f / (1.f - p);
  const auto start = static_cast<std::uint32_t>(first);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const auto drawn = static_cast<std::int32_t>(
        hash_index(start + static_cast<std::uint32_t>(i), low, high) >> 1);
    const float y = load(x + i) * (drawn >= threshold ? kept : 0.f);
    store(out + i, with_residual ? load(residual + i) + y : y);
  }
}

template <class T>
ATTUNE_INLINE void attend_body(const T* query, const T* keys, const T* values, std::int64_t n,
                               std::int64_t d, std::int64_t stride, float scale, float* scores,
                               T* out) {
  for (std::int64_t j = 0; j < n; ++j) {
    const T* key = keys + j * stride;
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (std::int64_t c = 0; c < d; ++c) dot += load(query + c) * load(key + c);
    scores[j] = dot * scale;
  }
  const float largest = row_max(scores, n);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t j = 0; j < n; ++j) {
    scores[j] = fast_exp(scores[j] - largest);
    sum += scores[j];
  }
  constexpr std::int64_t kMaxWidth = 256;
  float mixed[kMaxWidth] = {};
  for (std::int64_t j = 0; j < n; ++j) {
    const T* value = values + j * stride;
    const float weight = scores[j];
#pragma omp simd
    for (std::int64_t c = 0; c < d; ++c) mixed[c] += weight * load(value + c);
  }
  for (std::int64_t c = 0; c < d; ++c) store(out + c, mixed[c] / sum);
}

}  // namespace

ATTUNE_CLONES void products(const float* rows, const float* x, std::int64_t n, std::int64_t width,
                            float* out) {
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4) {  // four rows at once share x and hide the additions' latency
    const float *a = rows + i * width, *b = a + width, *c = b + width, *d = c + width;
    float sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
#pragma omp simd reduction(+ : sum_a, sum_b, sum_c, sum_d)
    for (std::int64_t k = 0; k < width; ++k) {
      sum_a += a[k] * x[k];
      sum_b += b[k] * x[k];
      sum_c += c[k] * x[k];
      sum_d += d[k] * x[k];
    }
    out[i] = sum_a;
    out[i + 1] = sum_b;
    out[i + 2] = sum_c;
    out[i + 3] = sum_d;
  }
  for (; i < n; ++i) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t k = 0; k < width; ++k) sum += rows[i * width + k] * x[k];
    out[i] = sum;
  }
}

ATTUNE_CLONES void causal_softmax(float* scores, std::int64_t t, std::int64_t before, float scale) {
  causal_softmax_body(scores, t, before, scale);
}
ATTUNE_CLONES void causal_softmax(bf16* scores, std::int64_t t, std::int64_t before, float scale) {
  causal_softmax_body(scores, t, before, scale);
}

ATTUNE_CLONES void causal_softmax_backward(const float* p, float* g, std::int64_t t,
                                           std::int64_t before, float scale) {
  causal_softmax_backward_body(p, g, t, before, scale);
}
ATTUNE_CLONES void causal_softmax_backward(const bf16* p, bf16* g, std::int64_t t,
                                           std::int64_t before, float scale) {
  causal_softmax_backward_body(p, g, t, before, scale);
}

ATTUNE_CLONES SoftenedRow soften(float* scores, std::int64_t seen, std::int64_t width,
                                 float scale) {
  const float largest = row_max(scores, seen);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t j = 0; j < seen; ++j) {
    scores[j] = fast_exp((scores[j] - largest) * scale);
    sum += scores[j];
  }
  for (std::int64_t j = seen; j < width; ++j) scores[j] = 0;
  return {sum, largest * scale + std::log(sum)};
}

ATTUNE_CLONES void soften_backward(float* scores, float* gradient, std::int64_t seen,
                                   std::int64_t width, float scale, float log_sum) {
  float dot = 0;
#pragma omp simd reduction(+ : dot)
  for (std::int64_t j = 0; j < seen; ++j) {
    scores[j] = fast_exp(scores[j] * scale - log_sum);
    dot += scores[j] * gradient[j];
  }
#pragma omp simd
  for (std::int64_t j = 0; j < seen; ++j) gradient[j] = scale * scores[j] * (gradient[j] - dot);
  for (std::int64_t j = seen; j < width; ++j) scores[j] = gradient[j] = 0;
}

ATTUNE_CLONES RowSummary summarise_row(const float* logits, std::int64_t n, float scale) {
  return summarise_row_body(logits, n, scale);
}
ATTUNE_CLONES RowSummary summarise_row(const bf16* logits, std::int64_t n, float scale) {
  return summarise_row_body(logits, n, scale);
}

ATTUNE_CLONES float largest(const float* values, std::int64_t n) { return row_max(values, n); }
ATTUNE_CLONES float sum_exp(const float* logits, std::int64_t n, float scale, float largest) {
  return sum_exp_body(logits, n, scale, largest);
}

ATTUNE_CLONES void row_backward(float* logits, std::int64_t n, float scale, const RowSummary& row,
                                const RowGradient& gradient) {
  row_backward_body(logits, n, scale, row, gradient);
}
ATTUNE_CLONES void row_backward(bf16* logits, std::int64_t n, float scale, const RowSummary& row,
                                const RowGradient& gradient) {
  row_backward_body(logits, n, scale, row, gradient);
}

ATTUNE_CLONES void add_dropout(const float* residual, const float* x, float* out, std::int64_t n,
                               std::int64_t first, std::uint64_t key, float p) {
  dropout_body<true>(residual, x, out, n, first, key, p);
}
ATTUNE_CLONES void add_dropout(const bf16* residual, const bf16* x, bf16* out, std::int64_t n,
                               std::int64_t first, std::uint64_t key, float p) {
  dropout_body<true>(residual, x, out, n, first, key, p);
}
ATTUNE_CLONES void dropout(const float* x, float* out, std::int64_t n, std::int64_t first,
                           std::uint64_t key, float p) {
  dropout_body<false>(x, x, out, n, first, key, p);
}
ATTUNE_CLONES void dropout(const bf16* x, bf16* out, std::int64_t n, std::int64_t first,
                           std::uint64_t key, float p) {
  dropout_body<false>(x, x, out, n, first, key, p);
}

ATTUNE_CLONES void attend(const float* query, const float* keys, const float* values,
                          std::int64_t n, std::int64_t d, std::int64_t stride, float scale,
                          float* scores, float* out) {
  attend_body(query, keys, values, n, d, stride, scale, scores, out);
}
ATTUNE_CLONES void attend(const bf16* query, const bf16* keys, const bf16* values, std::int64_t n,
                          std::int64_t d, std::int64_t stride, float scale, float* scores,
                          bf16* out) {
  attend_body(query, keys, values, n, d, stride, scale, scores, out);
}

}  // namespace kernels::loops
