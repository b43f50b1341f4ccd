#include "kernels/bf16_attention.h"

#include <algorithm>
#include <cstring>

#include "kernels/bf16_softmax.h"
#include "kernels/bf16_tiles.h"

namespace kernels::bf16_attention {

namespace {

using tiles::Words;

constexpr std::int64_t kStep = tiles::kRows;  // query rows that a tile takes

std::int64_t aligned(std::int64_t n) { return (n + 15) / 16 * 16; }

// Query rows worked on at a time, so that their scores stay in the cache: even, whole tiles.
std::int64_t block_rows(std::int64_t columns) {
  return (columns > 512 ? 4 : columns > 128 ? 8 : 12) * kStep;
}

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

bool available(std::int64_t width) {
  return tiles::available() && width % 32 == 0 && width > 0 && width <= 128;
}

void forward(const bf16* qkv, const Shape& shape, const Family& family, std::int64_t g, bf16* out,
             float* log_sums, tiles::Workspace& workspace) {
  Forward(qkv, shape, family, g, out, log_sums, workspace);
}

void backward(const bf16* qkv, const float* log_sums, const bf16* by_out, const Shape& shape,
              const Family& family, std::int64_t g, bf16* by_qkv, tiles::Workspace& workspace) {
  Backward(qkv, log_sums, by_out, shape, family, g, by_qkv, workspace);
}

}  // namespace kernels::bf16_attention
