#pragma once

#include <cstdint>
#include <vector>

#include "kernels/loops.h"
#include "kernels/tiles.h"

// Causal attention by the processor's own instructions, a head of keys at a time, with scores that
// never leave the cache: in bf16 by AVX-512 BF16, in fp32 by AVX2. No torch here, as in loops.h.
namespace kernels::tiled_attention {

using loops::bf16;

// Whether this processor can, with heads of that width: a multiple of 32 in bf16, of 16 in fp32, at
// most 128.
bool available(bf16, std::int64_t width);
bool available(float, std::int64_t width);

// How queries, keys and values stand side by side in a row of qkv [T, (H + 2G) D].
struct Shape {
  std::int64_t tokens;         // T
  std::int64_t queries, keys;  // H, G
  std::int64_t width;          // D
  float scale;                 // of the scores
};

struct Range {
  std::int64_t begin = 0, length = 0;  // tokens
};

// Sequences that share their beginning: each member sees the prefix, what is its own and earlier,
// and itself; the prefix's own tokens see one another. Without a prefix each stands alone.
struct Family {
  Range prefix;
  std::vector<Range> members;
};

// Writes the rows of one family in the columns of the query heads that share key head g. out: [T, H
// D]. log_sums: [H, T], the logarithm of each row's sum of exp(score). A thread keeps one workspace
// for all that it does. Number: bf16 or float.
template <class Number>
void forward(const Number* qkv, const Shape& shape, const Family& family, std::int64_t g,
             Number* out, float* log_sums, tiles::Workspace& workspace);

// The same of the gradient of qkv, [T, (H + 2G) D], given that of out, [T, H D]. Probabilities are
// computed again from qkv and log_sums.
template <class Number>
void backward(const Number* qkv, const float* log_sums, const Number* by_out, const Shape& shape,
              const Family& family, std::int64_t g, Number* by_qkv, tiles::Workspace& workspace);

}  // namespace kernels::tiled_attention
