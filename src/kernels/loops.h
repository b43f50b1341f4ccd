#pragma once

#include <cstdint>

// The inner loops of the hot operations over plain memory, in fp32 and bf16, compiled for several
// instruction sets and chosen by the processor at run time. Sums are in fp32. No torch here: it
// compiles in a second with flags of its own.
namespace kernels::loops {

using bf16 = std::uint16_t;  // the upper half of a float

// scores: [t, before + t] of one head, scaled here by `scale`. Row i becomes the softmax of its
// first before+i+1 columns, 0 after them.
void causal_softmax(float* scores, std::int64_t t, std::int64_t before, float scale);
void causal_softmax(bf16* scores, std::int64_t t, std::int64_t before, float scale);

// probabilities, gradient: [t, before + t]. gradient becomes that of the unscaled scores: scale * p
// * (g - sum_j p_j g_j).
void causal_softmax_backward(const float* probabilities, float* gradient, std::int64_t t,
                             std::int64_t before, float scale);
void causal_softmax_backward(const bf16* probabilities, bf16* gradient, std::int64_t t,
                             std::int64_t before, float scale);

// A row of scores of which the first `seen` count: they become exp(scale * (score - largest)),
// e^-75 at least, and 0 follows up to `width`. Their sum, and the logarithm of the sum of exp(scale
// * score).
struct SoftenedRow {
  float sum, log_sum;
};
SoftenedRow soften(float* scores, std::int64_t seen, std::int64_t width, float scale);
// With that logarithm: scores become probabilities p, and their gradient g that of the unscaled
// scores, scale * p * (g - sum_j p_j g_j). 0 follows in both up to `width`.
void soften_backward(float* scores, float* gradient, std::int64_t seen, std::int64_t width,
                     float scale, float log_sum);

// One row of n logits, each multiplied by `scale`: its log-sum-exp and its entropy in nats.
struct RowSummary {
  float log_normaliser;
  float entropy;
};
RowSummary summarise_row(const float* logits, std::int64_t n, float scale);
RowSummary summarise_row(const bf16* logits, std::int64_t n, float scale);

float largest(const float* values, std::int64_t n);  // n > 0

// Sum of exp(scale * (logits[i] - largest)).
float sum_exp(const float* logits, std::int64_t n, float scale, float largest);

// Overwrites a row of logits by the gradient of
//   gradient_log_prob * log p[target] + gradient_normaliser * log_normaliser + gradient_entropy *
//   entropy
// with respect to the unscaled logits. target < 0: no log p term.
struct RowGradient {
  float log_prob;
  float normaliser;
  float entropy;
  std::int64_t target;
};
void row_backward(float* logits, std::int64_t n, float scale, const RowSummary& row,
                  const RowGradient& gradient);
void row_backward(bf16* logits, std::int64_t n, float scale, const RowSummary& row,
                  const RowGradient& gradient);

// out[i] = residual[i] + keep(first + i) * x[i] / (1 - p). keep() is a hash of (key, index) that is
// 0 with probability p.
void add_dropout(const float* residual, const float* x, float* out, std::int64_t n,
                 std::int64_t first, std::uint64_t key, float p);
void add_dropout(const bf16* residual, const bf16* x, bf16* out, std::int64_t n, std::int64_t first,
                 std::uint64_t key, float p);
// out[i] = keep(first + i) * x[i] / (1 - p): the gradient of the above with respect to x.
void dropout(const float* x, float* out, std::int64_t n, std::int64_t first, std::uint64_t key,
             float p);
void dropout(const bf16* x, bf16* out, std::int64_t n, std::int64_t first, std::uint64_t key,
             float p);

// Attention of one query of one head over n cached positions. query: [d]; keys, values: [n, d] with
// `stride` between positions; scores: room for n floats; out: [d].
void attend(const float* query, const float* keys, const float* values, std::int64_t n,
            std::int64_t d, std::int64_t stride, float scale, float* scores, float* out);
void attend(const bf16* query, const bf16* keys, const bf16* values, std::int64_t n, std::int64_t d,
            std::int64_t stride, float scale, float* scores, bf16* out);

// out[i] = sum over c of rows[i * width + c] * x[c]: n products with one vector.
void products(const float* rows, const float* x, std::int64_t n, std::int64_t width, float* out);

}  // namespace kernels::loops
