#pragma once

#include <cstdint>
#include <vector>

#include "kernels/bf16_tiles.h"
#include "kernels/loops.h"

// Causal attention in bf16 by the processor's own instructions for it (AVX-512 BF16), a head of
// keys at a time, with scores that never leave the cache. No torch here, as in loops.h.
namespace kernels::bf16_attention {

using loops::bf16;

// Whether this processor can, with heads of that width: a multiple of 32, at most 128.
bool available(std::int64_t width);

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
// for all that it does.
void forward(const bf16* qkv, const Shape& shape, const Family& family, std::int64_t g, bf16* out,
             float* log_sums, tiles::Workspace& workspace);

// The same of the gradient of qkv, [T, (H + 2G) D], given that of out, [T, H D]. Probabilities are
// computed again from qkv and log_sums.
void backward(const bf16* qkv, const float* log_sums, const bf16* by_out, const Shape& shape,
              const Family& family, std::int64_t g, bf16* by_qkv, tiles::Workspace& workspace);

}  // namespace kernels::bf16_attention
