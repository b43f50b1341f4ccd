#include "kernels/bf16_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <immintrin.h>

#include "kernels/bf16_tiles.h"

namespace kernels::bf16_attention {

bool available(std::int64_t width) {
  return tiles::available() && width % 32 == 0 && width > 0 && width <= 128;
}

}  // namespace kernels::bf16_attention

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kernels::bf16_attention {
namespace {

using tiles::Words;

constexpr std::int64_t kStep = tiles::kRows;  // query rows that a tile takes

std::int64_t aligned(std::int64_t n) { return (n + 15) / 16 * 16; }

// Query rows worked on at a time, so that their scores stay in the cache: even, whole tiles.
std::int64_t block_rows(std::int64_t columns) {
  return (columns > 512 ? 4 : columns > 128 ? 8 : 12) * kStep;
}

// Where a sequence's keys stand among the packed columns: its prefix's in [0, before), nothing in
// [before, own), its own from `own` on.
struct Columns {
  std::int64_t before = 0, own = 0;
};

// A block of a sequence's query rows against the packed columns.
struct Block {
  std::int64_t first, rows;  // of the sequence
  Columns columns;

  // One past the last column that the block's row r sees.
  std::int64_t seen(std::int64_t r) const { return columns.own + first + r + 1; }
  // The columns worked on for the tile of rows that begins at r, 16 at a time.
  std::int64_t width(std::int64_t r) const { return aligned(seen(std::min(r + kStep, rows) - 1)); }
  std::int64_t width() const { return aligned(seen(rows - 1)); }
};

// e^x, x at most about 0, relative error below 1e-5, which bf16 does not see.
inline __m512 exponential(__m512 x) {
  // The order of the two matters: of a number and NaN the instruction returns the second.
  x = _mm512_max_ps(_mm512_set1_ps(-110.f), _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)));
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r = _mm512_sub_ps(x, whole);  // in [-.5, .5]: 2^r by its series
  __m512 p = _mm512_set1_ps(1.3333558e-3f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.6181291e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.5504109e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(.24022651f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(.69314718f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(p, whole);
}

inline __mmask16 first_lanes(std::int64_t n) {
  return n >= 16 ? static_cast<__mmask16>(0xFFFF)
                 : static_cast<__mmask16>((1u << std::max<std::int64_t>(n, 0)) - 1);
}

inline __m256i to_bf16(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

struct RowSum {
  float sum, log_sum;
};
// scores: a row's, of which it sees the first `seen`, none of [before, own). Writes exp(scale *
// (score - largest)) to `weights` up to `width`: 0 behind what it sees, and 2^-110 in [before,
// own), where packed keys and values are 0. Returns their sum and the logarithm of the sum of
// exp(scale * score).
RowSum soften(float* scores, std::int64_t seen, const Columns& columns, std::int64_t width,
              float scale, bf16* weights) {
  const __m512 none = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (std::int64_t j = columns.before; j < columns.own; ++j)
    scores[j] = -std::numeric_limits<float>::infinity();
  __m512 most = none;
  for (std::int64_t j = 0; j < seen; j += 16)
    most = _mm512_max_ps(most, _mm512_mask_loadu_ps(none, first_lanes(seen - j), scores + j));
  const float largest = _mm512_reduce_max_ps(most);
  const __m512 by = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-largest * scale);
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t j = 0; j < width; j += 16) {
    const __m512 e =
        _mm512_maskz_mov_ps(first_lanes(seen - j),
                            exponential(_mm512_fmadd_ps(_mm512_loadu_ps(scores + j), by, shift)));
    sum = _mm512_add_ps(sum, e);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + j), to_bf16(e));
  }
  const float total = _mm512_reduce_add_ps(sum);
  return {total, largest * scale + std::log(total)};
}

// Probabilities p of two neighbouring rows from their scores, and the gradients g of the scores
// from those of the probabilities: g = scale * p * (by_p - sum p by_p). Both as pairs of the two
// rows, and g by row as well, up to `width` columns; the pairs are 0 for 16 columns more.
struct Row {
  float *scores, *by_probability;  // the first becomes the probabilities
  std::int64_t seen = 0;           // 0: there is no such row
  float log_sum = 0;
  bf16* by_score = nullptr;
};

float make_probabilities(Row& row, const Columns& columns, std::int64_t width, float scale) {
  for (std::int64_t j = columns.before; j < columns.own; ++j)
    row.scores[j] = -std::numeric_limits<float>::infinity();
  const __m512 by = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-row.log_sum);
  __m512 dot = _mm512_setzero_ps();
  for (std::int64_t j = 0; j < width; j += 16) {
    const __m512 p = _mm512_maskz_mov_ps(
        first_lanes(row.seen - j),
        exponential(_mm512_fmadd_ps(_mm512_loadu_ps(row.scores + j), by, shift)));
    _mm512_storeu_ps(row.scores + j, p);
    dot = _mm512_mask3_fmadd_ps(p, _mm512_loadu_ps(row.by_probability + j), dot,
                                first_lanes(row.seen - j));
  }
  return _mm512_reduce_add_ps(dot);
}

// Words whose lower halves are the one's numbers and whose upper halves are the other's.
inline __m512i word(__m256i low, __m256i high) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

inline __m512 load_seen(const Row& row, const float* from, std::int64_t j) {
  return _mm512_maskz_loadu_ps(first_lanes(row.seen - j), from + j);
}

inline __m256i score_gradient(const Row& row, std::int64_t j, __m512 p, __m512 scale, __m512 dot) {
  return to_bf16(_mm512_mul_ps(_mm512_mul_ps(scale, p),
                               _mm512_sub_ps(load_seen(row, row.by_probability, j), dot)));
}

void pair_up(Row& even, Row& odd, const Columns& columns, std::int64_t width, float scale,
             std::uint32_t* probabilities, std::uint32_t* by_scores) {
  const __m512 by = _mm512_set1_ps(scale);
  const __m512 dot_even = _mm512_set1_ps(make_probabilities(even, columns, width, scale)),
               dot_odd = _mm512_set1_ps(
                   odd.seen > 0 ? make_probabilities(odd, columns, width, scale) : 0.f);
  for (std::int64_t j = 0; j < width; j += 16) {
    const __m512 p = load_seen(even, even.scores, j), q = load_seen(odd, odd.scores, j);
    const __m256i g = score_gradient(even, j, p, by, dot_even),
                  h = score_gradient(odd, j, q, by, dot_odd);
    _mm512_storeu_si512(probabilities + j, word(to_bf16(p), to_bf16(q)));
    _mm512_storeu_si512(by_scores + j, word(g, h));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(even.by_score + j), g);
    if (odd.seen > 0) _mm256_storeu_si256(reinterpret_cast<__m256i*>(odd.by_score + j), h);
  }
  _mm512_storeu_si512(probabilities + width, _mm512_setzero_si512());
  _mm512_storeu_si512(by_scores + width, _mm512_setzero_si512());
}

// One head of keys and the query heads that share it, of one family.
class HeadPass {
 public:
  HeadPass(const bf16* qkv, const Shape& shape, const Family& family, std::int64_t g)
      : qkv_(qkv), shape_(shape), g_(g) {
    std::int64_t longest = 0;
    for (const Range& member : family.members) longest = std::max(longest, member.length);
    columns_ = aligned(family.prefix.length) + aligned(longest);
    rows_ = block_rows(columns_);
  }

 protected:
  std::int64_t row_width() const { return (shape_.queries + 2 * shape_.keys) * shape_.width; }
  const bf16* row(std::int64_t token) const { return qkv_ + token * row_width(); }
  std::int64_t first_query() const { return g_ * heads(); }
  std::int64_t heads() const { return shape_.queries / shape_.keys; }
  std::int64_t query_column(std::int64_t h) const { return h * shape_.width; }
  std::int64_t key_column() const { return (shape_.queries + g_) * shape_.width; }
  std::int64_t value_column() const { return (shape_.queries + shape_.keys + g_) * shape_.width; }
  Words words(std::int64_t token, std::int64_t column) const {
    return {row(token) + column, row_width(), shape_.width};
  }

  // Calls pass(range, columns) for the prefix's own tokens and for each member, once pack(range,
  // at) has put its keys and values at column `at`.
  template <class Pack, class Pass>
  void over(const Family& family, const Pack& pack, const Pass& pass) {
    const std::int64_t before = family.prefix.length;
    if (before > 0) {
      pack(family.prefix, 0);
      pass(family.prefix, Columns{0, 0});
    }
    const Columns behind{before, aligned(before)};
    for (const Range& member : family.members) {
      if (member.length == 0) continue;
      pack(member, behind.own);
      pass(member, behind);
    }
  }

  // scores [rows, columns_] = a block's rows of `left` times the packed columns `right`.
  void multiply_rows(const Words& left, const std::uint32_t* right, const Block& block,
                     float* scores) const {
    for (std::int64_t c = 0; c < block.width(); c += tiles::kColumns)
      for (std::int64_t r = 0; r < block.rows; r += kStep) {
        const std::int64_t end = std::min(block.width(r), c + tiles::kColumns);
        if (end <= c) continue;
        tiles::multiply({left.data + (block.first + r) * left.stride, left.stride / 2, 1},
                        {right + c, columns_}, {scores + r * columns_ + c, columns_},
                        {std::min(kStep, block.rows - r), end - c, shape_.width / 2});
      }
  }

  // out [rows of a tile, D] = the tile's weights times `right` [columns, D] in pairs.
  void multiply_columns(const bf16* weights, const std::uint32_t* right, const Block& block,
                        std::int64_t r, float* out) const {
    for (std::int64_t d = 0; d < shape_.width; d += tiles::kColumns)
      tiles::multiply({weights + r * columns_, columns_ / 2, 1}, {right + d, shape_.width},
                      {out + d, shape_.width},
                      {std::min(kStep, block.rows - r), std::min(tiles::kColumns, shape_.width - d),
                       block.width(r) / 2});
  }

  // `arrays` calls take(pointer, count) for each array that the pass works in.
  template <class Arrays>
  static void lay_out(tiles::Workspace& workspace, const Arrays& arrays) {
    std::size_t bytes = 0;
    arrays([&]<class T>(T*&, std::int64_t n) { bytes += tiles::Workspace::size<T>(n); });
    workspace.begin(bytes);
    arrays([&]<class T>(T*& to, std::int64_t n) { to = workspace.take<T>(n); });
  }

  // Words of the packed keys, or values.
  std::int64_t packed_size() const { return columns_ * shape_.width / 2; }

  const bf16* qkv_;
  Shape shape_;
  std::int64_t g_, columns_, rows_;
};

class Forward : HeadPass {
 public:
  Forward(const bf16* qkv, const Shape& shape, const Family& family, std::int64_t g, bf16* out,
          float* log_sums, tiles::Workspace& workspace)
      : HeadPass(qkv, shape, family, g), out_(out), log_sums_(log_sums) {
    lay_out(workspace, [&](auto&& take) {
      take(keys_, packed_size());
      take(values_, packed_size());
      take(scores_, rows_ * columns_);
      take(weights_, rows_ * columns_);
      take(mixed_, kStep * shape_.width);
    });
    over(
        family,
        [&](const Range& range, std::int64_t at) {
          tiles::pack_transposed(words(range.begin, key_column()), range.length, at, columns_,
                                 keys_);
          tiles::pack_pairs(words(range.begin, value_column()), range.length,
                            values_ + at / 2 * shape_.width);
        },
        [&](const Range& range, const Columns& columns) {
          for (std::int64_t h = first_query(); h < first_query() + heads(); ++h)
            for (std::int64_t first = 0; first < range.length; first += rows_)
              attend(range, h, {first, std::min(rows_, range.length - first), columns});
        });
  }

 private:
  void attend(const Range& range, std::int64_t h, const Block& block) {
    multiply_rows(words(range.begin, query_column(h)), keys_, block, scores_);
    for (std::int64_t r = 0; r < block.rows; r += kStep) {
      const std::int64_t end = std::min(r + kStep, block.rows);
      float sums[kStep];
      for (std::int64_t i = r; i < end; ++i) {
        const RowSum row = soften(scores_ + i * columns_, block.seen(i), block.columns,
                                  block.width(r), shape_.scale, weights_ + i * columns_);
        sums[i - r] = row.sum;
        log_sums_[h * shape_.tokens + range.begin + block.first + i] = row.log_sum;
      }
      multiply_columns(weights_, values_, block, r, mixed_);
      for (std::int64_t i = r; i < end; ++i)
        tiles::store_rows(mixed_ + (i - r) * shape_.width, 1, shape_.width, 1 / sums[i - r],
                          out_ + (range.begin + block.first + i) * shape_.queries * shape_.width +
                              query_column(h),
                          0);
    }
  }

  bf16* out_;
  float* log_sums_;
  std::uint32_t *keys_, *values_;
  float *scores_, *mixed_;
  bf16* weights_;
};

class Backward : HeadPass {
 public:
  Backward(const bf16* qkv, const float* log_sums, const bf16* by_out, const Shape& shape,
           const Family& family, std::int64_t g, bf16* by_qkv, tiles::Workspace& workspace)
      : HeadPass(qkv, shape, family, g), log_sums_(log_sums), by_out_(by_out), by_qkv_(by_qkv) {
    lay_out(workspace, [&](auto&& take) {
      for (std::uint32_t** packed : {&keys_, &values_, &key_pairs_}) take(*packed, packed_size());
      take(query_pairs_, aligned(rows_) * shape_.width / 2);
      take(upstream_pairs_, aligned(rows_) * shape_.width / 2);
      take(scores_, rows_ * columns_);
      take(by_probabilities_, rows_ * columns_);
      take(by_scores_, rows_ * columns_);
      take(probability_pairs_, rows_ / 2 * (columns_ + 16));
      take(by_score_pairs_, rows_ / 2 * (columns_ + 16));
      take(by_keys_, columns_ * shape_.width);
      take(by_values_, columns_ * shape_.width);
      take(by_queries_, kStep * shape_.width);
    });
    over(
        family, [&](const Range& range, std::int64_t at) { begin(range, at); },
        [&](const Range& range, const Columns& columns) {
          for (std::int64_t h = first_query(); h < first_query() + heads(); ++h)
            for (std::int64_t first = 0; first < range.length; first += rows_)
              pull(range, h, {first, std::min(rows_, range.length - first), columns});
          if (columns.own > 0 || family.prefix.length == 0) finish(range, columns.own);
        });
    if (family.prefix.length > 0) finish(family.prefix, 0);
  }

 private:
  void begin(const Range& range, std::int64_t at) {
    const Words keys = words(range.begin, key_column()),
                values = words(range.begin, value_column());
    tiles::pack_transposed(keys, range.length, at, columns_, keys_);
    tiles::pack_transposed(values, range.length, at, columns_, values_);
    tiles::pack_pairs(keys, range.length, key_pairs_ + at / 2 * shape_.width);
    const auto bytes = static_cast<std::size_t>(range.length * shape_.width) * sizeof(float);
    std::memset(by_keys_ + at * shape_.width, 0, bytes);
    std::memset(by_values_ + at * shape_.width, 0, bytes);
  }

  void pull(const Range& range, std::int64_t h, const Block& block) {
    const Words queries = words(range.begin, query_column(h));
    const std::int64_t out_width = shape_.queries * shape_.width;
    const Words upstream{by_out_ + range.begin * out_width + query_column(h), out_width,
                         shape_.width};
    multiply_rows(queries, keys_, block, scores_);
    multiply_rows(upstream, values_, block, by_probabilities_);
    make_gradients(log_sums_ + h * shape_.tokens + range.begin, block);
    for (std::int64_t r = 0; r < block.rows; r += kStep) {
      multiply_columns(by_scores_, key_pairs_, block, r, by_queries_);
      tiles::store_rows(by_queries_, std::min(kStep, block.rows - r), shape_.width, 1,
                        by_qkv_ + (range.begin + block.first + r) * row_width() + query_column(h),
                        row_width());
    }
    tiles::pack_pairs(queries.from(block.first), block.rows, query_pairs_);
    tiles::pack_pairs(upstream.from(block.first), block.rows, upstream_pairs_);
    add_by_column(by_score_pairs_, query_pairs_, block, by_keys_);
    add_by_column(probability_pairs_, upstream_pairs_, block, by_values_);
  }

  void make_gradients(const float* log_sums, const Block& block) {
    for (std::int64_t r = 0; r < block.rows; r += 2) {
      const auto row = [&](std::int64_t i) {
        return Row{scores_ + i * columns_, by_probabilities_ + i * columns_,
                   i < block.rows ? block.seen(i) : 0,
                   i < block.rows ? log_sums[block.first + i] : 0.f, by_scores_ + i * columns_};
      };
      Row even = row(r), odd = row(r + 1);
      pair_up(even, odd, block.columns, block.width(r / kStep * kStep), shape_.scale,
              probability_pairs_ + r / 2 * (columns_ + 16),
              by_score_pairs_ + r / 2 * (columns_ + 16));
    }
  }

  // sum[column] += the sum over the block's rows of pairs[row][column] * right[row], for each
  // column that one of them sees.
  void add_by_column(const std::uint32_t* pairs, const std::uint32_t* right, const Block& block,
                     float* sum) const {
    const std::int64_t stride = columns_ + 16, end = block.seen(block.rows - 1);
    for (std::int64_t j = 0; j < end; j += kStep) {
      // Rows before the first whole tile that sees column j add nothing.
      const std::int64_t unseen = std::max<std::int64_t>(0, j - block.columns.own - block.first);
      const std::int64_t first = unseen / kStep * kStep / 2, steps = (block.rows + 1) / 2 - first;
      for (std::int64_t d = 0; d < shape_.width; d += tiles::kColumns)
        tiles::add_product(
            {pairs + first * stride + j, 1, stride},
            {right + first * shape_.width + d, shape_.width},
            {sum + j * shape_.width + d, shape_.width},
            {std::min(kStep, end - j), std::min(tiles::kColumns, shape_.width - d), steps});
    }
  }

  // Writes the gradients of a range's keys and values, whose sums begin at column `at`.
  void finish(const Range& range, std::int64_t at) {
    const auto store = [&](const float* sums, std::int64_t column) {
      tiles::store_rows(sums + at * shape_.width, range.length, shape_.width, 1,
                        by_qkv_ + range.begin * row_width() + column, row_width());
    };
    store(by_keys_, key_column());
    store(by_values_, value_column());
  }

  const float* log_sums_;
  const bf16* by_out_;
  bf16* by_qkv_;
  std::uint32_t *keys_, *values_, *key_pairs_, *query_pairs_, *upstream_pairs_;
  float *scores_, *by_probabilities_;
  bf16* by_scores_;
  std::uint32_t *probability_pairs_, *by_score_pairs_;
  float *by_keys_, *by_values_, *by_queries_;
};

}  // namespace

void forward(const bf16* qkv, const Shape& shape, const Family& family, std::int64_t g, bf16* out,
             float* log_sums, tiles::Workspace& workspace) {
  Forward(qkv, shape, family, g, out, log_sums, workspace);
}

void backward(const bf16* qkv, const float* log_sums, const bf16* by_out, const Shape& shape,
              const Family& family, std::int64_t g, bf16* by_qkv, tiles::Workspace& workspace) {
  Backward(qkv, log_sums, by_out, shape, family, g, by_qkv, workspace);
}

}  // namespace kernels::bf16_attention

#pragma GCC pop_options
