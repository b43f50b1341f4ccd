#include "kernels/tiled_attention.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/tile_arithmetic.h"

namespace kernels::tiled_attention {

namespace {

constexpr std::int64_t kStep = tiles::kRows;  // query rows that a tile takes

std::int64_t aligned(std::int64_t n) { return (n + 15) / 16 * 16; }

// Where a sequence's keys stand among the packed columns: its prefix's in [0, before), nothing in
// [before, own), its own from `own` on.
struct Columns {
  std::int64_t before = 0, own = 0;
};

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
template <class Number>
class HeadPass {
 public:
  using In = Arithmetic<Number>;
  using Word = typename In::Word;

  HeadPass(const Number* qkv, const Shape& shape, const Family& family, std::int64_t g)
      : qkv_(qkv), shape_(shape), g_(g) {
    std::int64_t longest = 0;
    for (const Range& member : family.members) longest = std::max(longest, member.length);
    columns_ = aligned(family.prefix.length) + aligned(longest);
    rows_ = block_rows(columns_);
    stride_ = columns_ + 16;
  }

 protected:
  std::int64_t row_width() const { return (shape_.queries + 2 * shape_.keys) * shape_.width; }
  const Number* row(std::int64_t token) const { return qkv_ + token * row_width(); }
  std::int64_t first_query() const { return g_ * heads(); }
  std::int64_t heads() const { return shape_.queries / shape_.keys; }
  std::int64_t query_column(std::int64_t h) const { return h * shape_.width; }
  std::int64_t key_column() const { return (shape_.queries + g_) * shape_.width; }
  std::int64_t value_column() const { return (shape_.queries + shape_.keys + g_) * shape_.width; }
  Rows<Number> rows(std::int64_t token, std::int64_t column) const {
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

  // products [rows, stride_] = a block's rows of `left` times the packed columns `right`.
  void multiply_rows(const Rows<Number>& left, const Packed<Word>& right, const Block& block,
                     float* products) const {
    for (std::int64_t c = 0; c < block.width(); c += In::kColumns)
      for (std::int64_t r = 0; r < block.rows; r += kStep) {
        const std::int64_t end = std::min(block.width(r), c + In::kColumns);
        if (end <= c) continue;
        tiles::multiply(
            {left.data + (block.first + r) * left.stride, left.stride / In::kNumbers, 1},
            In::from(right, 0, c), {products + r * stride_ + c, stride_},
            {std::min(kStep, block.rows - r), end - c, right.steps});
      }
  }

  // The same of queries and keys, but that nothing is seen between a prefix and what follows it:
  // the softmax leaves next to nothing there, e^-75 at most, and packed keys and values are 0.
  void score(const Rows<Number>& queries, const Packed<Word>& keys, const Block& block,
             float* scores) const {
    multiply_rows(queries, keys, block, scores);
    for (std::int64_t r = 0; r < block.rows; ++r)
      std::fill(scores + r * stride_ + block.columns.before,
                scores + r * stride_ + block.columns.own, -std::numeric_limits<float>::infinity());
  }

  // out [rows of a tile, D] = the tile's weights times `right`, packed rows.
  void multiply_columns(const Number* weights, const Packed<Word>& right, const Block& block,
                        std::int64_t r, float* out) const {
    for (std::int64_t d = 0; d < shape_.width; d += In::kColumns)
      tiles::multiply({weights + r * stride_, stride_ / In::kNumbers, 1}, In::from(right, 0, d),
                      {out + d, shape_.width},
                      {std::min(kStep, block.rows - r), std::min(In::kColumns, shape_.width - d),
                       block.width(r) / In::kNumbers});
  }

  // `arrays` calls take(pointer, count) for each array that the pass works in.
  template <class Arrays>
  static void lay_out(tiles::Workspace& workspace, const Arrays& arrays) {
    std::size_t bytes = 0;
    arrays([&]<class T>(T*&, std::int64_t n) { bytes += tiles::Workspace::size<T>(n); });
    workspace.begin(bytes);
    arrays([&]<class T>(T*& to, std::int64_t n) { to = workspace.take<T>(n); });
  }

  // Packed keys or values of all columns, to be multiplied by rows of D.
  Packed<Word> by_number() const { return {nullptr, shape_.width / In::kNumbers, columns_}; }
  // Packed rows of D, to be mixed.
  Packed<Word> by_token(std::int64_t tokens) const {
    return {nullptr, aligned(tokens) / In::kNumbers, shape_.width};
  }

  const Number* qkv_;
  Shape shape_;
  std::int64_t g_, columns_, rows_;
  std::int64_t stride_;  // of scores: 16 more than columns
};

template <class Number>
class Forward : HeadPass<Number> {
  using Pass = HeadPass<Number>;
  using typename Pass::In, typename Pass::Word;

 public:
  Forward(const Number* qkv, const Shape& shape, const Family& family, std::int64_t g, Number* out,
          float* log_sums, tiles::Workspace& workspace)
      : Pass(qkv, shape, family, g), out_(out), log_sums_(log_sums) {
    keys_ = by_number();
    values_ = by_token(columns_);
    lay_out(workspace, [&](auto&& take) {
      take(keys_.data, keys_.size());
      take(values_.data, values_.size());
      take(scores_, rows_ * stride_);
      if constexpr (!In::kInPlace) take(weights_, rows_ * stride_);
      take(mixed_, kStep * shape_.width);
    });
    if constexpr (In::kInPlace) weights_ = scores_;
    over(
        family,
        [&](const Range& range, std::int64_t at) {
          In::pack_transposed(rows(range.begin, key_column()), range.length, at, keys_);
          In::pack_rows(rows(range.begin, value_column()), range.length, at, values_);
        },
        [&](const Range& range, const Columns& columns) {
          for (std::int64_t h = first_query(); h < first_query() + heads(); ++h)
            for (std::int64_t first = 0; first < range.length; first += rows_)
              attend(range, h, {first, std::min(rows_, range.length - first), columns});
        });
  }

 private:
  void attend(const Range& range, std::int64_t h, const Block& block) {
    score(rows(range.begin, query_column(h)), keys_, block, scores_);
    for (std::int64_t r = 0; r < block.rows; r += kStep) {
      const std::int64_t end = std::min(r + kStep, block.rows);
      float sums[kStep];
      for (std::int64_t i = r; i < end; ++i) {
        const SoftenedRow row = In::soften(scores_ + i * stride_, block.seen(i), block.width(r),
                                           shape_.scale, weights_ + i * stride_);
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

  using Pass::by_number, Pass::by_token, Pass::columns_, Pass::first_query, Pass::heads,
      Pass::key_column, Pass::lay_out, Pass::multiply_columns, Pass::over, Pass::query_column,
      Pass::rows, Pass::rows_, Pass::score, Pass::shape_, Pass::stride_, Pass::value_column;

  Number* out_;
  float* log_sums_;
  Packed<Word> keys_, values_;
  float *scores_, *mixed_;
  Number* weights_;
};

template <class Number>
class Backward : HeadPass<Number> {
  using Pass = HeadPass<Number>;
  using typename Pass::In, typename Pass::Word;

 public:
  Backward(const Number* qkv, const float* log_sums, const Number* by_out, const Shape& shape,
           const Family& family, std::int64_t g, Number* by_qkv, tiles::Workspace& workspace)
      : Pass(qkv, shape, family, g), log_sums_(log_sums), by_out_(by_out), by_qkv_(by_qkv) {
    keys_ = values_ = by_number();
    key_rows_ = by_token(columns_);
    query_rows_ = upstream_rows_ = by_token(rows_);
    lay_out(workspace, [&](auto&& take) {
      for (Packed<Word>* packed : {&keys_, &values_, &key_rows_, &query_rows_, &upstream_rows_})
        take(packed->data, packed->size());
      take(scores_, rows_ * stride_);
      take(by_probabilities_, rows_ * stride_);
      if constexpr (!In::kInPlace) {
        take(by_scores_, rows_ * stride_);
        take(probability_words_, rows_ / 2 * stride_);
        take(by_score_words_, rows_ / 2 * stride_);
      }
      take(by_keys_, columns_ * shape_.width);
      take(by_values_, columns_ * shape_.width);
      take(by_queries_, kStep * shape_.width);
    });
    if constexpr (In::kInPlace) {
      probability_words_ = scores_;
      by_scores_ = by_score_words_ = by_probabilities_;
    }
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
    const Rows<Number> keys = rows(range.begin, key_column()),
                       values = rows(range.begin, value_column());
    In::pack_transposed(keys, range.length, at, keys_);
    In::pack_transposed(values, range.length, at, values_);
    In::pack_rows(keys, range.length, at, key_rows_);
    const auto bytes =
        static_cast<std::size_t>(aligned(range.length) * shape_.width) * sizeof(float);
    std::memset(by_keys_ + at * shape_.width, 0, bytes);
    std::memset(by_values_ + at * shape_.width, 0, bytes);
  }

  void pull(const Range& range, std::int64_t h, const Block& block) {
    const Rows<Number> queries = rows(range.begin, query_column(h));
    const std::int64_t out_width = shape_.queries * shape_.width;
    const Rows<Number> upstream{by_out_ + range.begin * out_width + query_column(h), out_width,
                                shape_.width};
    score(queries, keys_, block, scores_);
    multiply_rows(upstream, values_, block, by_probabilities_);
    make_gradients(log_sums_ + h * shape_.tokens + range.begin, block);
    for (std::int64_t r = 0; r < block.rows; r += kStep) {
      multiply_columns(by_scores_, key_rows_, block, r, by_queries_);
      tiles::store_rows(by_queries_, std::min(kStep, block.rows - r), shape_.width, 1,
                        by_qkv_ + (range.begin + block.first + r) * row_width() + query_column(h),
                        row_width());
    }
    In::pack_rows(queries.from(block.first), block.rows, 0, query_rows_);
    In::pack_rows(upstream.from(block.first), block.rows, 0, upstream_rows_);
    add_by_column(by_score_words_, query_rows_, block, by_keys_);
    add_by_column(probability_words_, upstream_rows_, block, by_values_);
  }

  // Probabilities and the scores' gradients; 0 follows what a tile's rows see for 16 columns.
  void make_gradients(const float* log_sums, const Block& block) {
    for (std::int64_t r = 0; r < block.rows; r += In::kNumbers) {
      const std::int64_t width = block.width(r / kStep * kStep);
      if constexpr (!In::kInPlace) {
        const auto row = [&](std::int64_t i) {
          return bf16_softmax::Row{scores_ + i * stride_, by_probabilities_ + i * stride_,
                                   i < block.rows ? block.seen(i) : 0,
                                   i < block.rows ? log_sums[block.first + i] : 0.f,
                                   by_scores_ + i * stride_};
        };
        bf16_softmax::Row even = row(r), odd = row(r + 1);
        bf16_softmax::pair_up(even, odd, width, shape_.scale, probability_words_ + r / 2 * stride_,
                              by_score_words_ + r / 2 * stride_);
      } else {
        loops::soften_backward(scores_ + r * stride_, by_probabilities_ + r * stride_,
                               block.seen(r), width + 16, shape_.scale, log_sums[block.first + r]);
      }
    }
  }

  // sum[column] += the sum over the block's rows of left[row][column] * right[row], for each column
  // that one of them sees. left: words of 1 or 2 rows, stride_ apart.
  void add_by_column(const Word* left, const Packed<Word>& right, const Block& block,
                     float* sum) const {
    const std::int64_t end = block.seen(block.rows - 1);
    for (std::int64_t j = 0; j < end; j += kStep) {
      // Rows before the first whole tile that sees column j add nothing.
      const std::int64_t unseen = std::max<std::int64_t>(0, j - block.columns.own - block.first);
      const std::int64_t first = unseen / kStep * kStep / In::kNumbers,
                         steps = (block.rows + In::kNumbers - 1) / In::kNumbers - first;
      for (std::int64_t d = 0; d < shape_.width; d += In::kColumns)
        tiles::add_product(
            {left + first * stride_ + j, 1, stride_}, In::from(right, first, d),
            {sum + j * shape_.width + d, shape_.width},
            {std::min(kStep, end - j), std::min(In::kColumns, shape_.width - d), steps});
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

  using Pass::by_number, Pass::by_token, Pass::columns_, Pass::first_query, Pass::heads,
      Pass::key_column, Pass::lay_out, Pass::multiply_columns, Pass::multiply_rows, Pass::over,
      Pass::query_column, Pass::row_width, Pass::rows, Pass::rows_, Pass::score, Pass::shape_,
      Pass::stride_, Pass::value_column;

  const float* log_sums_;
  const Number* by_out_;
  Number* by_qkv_;
  // A key's or value's number a row; and tokens a row, of keys, queries and what comes from above.
  Packed<Word> keys_, values_, key_rows_, query_rows_, upstream_rows_;
  float *scores_, *by_probabilities_;
  Number* by_scores_;
  Word *probability_words_, *by_score_words_;
  float *by_keys_, *by_values_, *by_queries_;
};

template <class Number>
bool has_tiles(std::int64_t width) {
  return width > 0 && width <= 128 && Arithmetic<Number>::available(width);
}

}  // namespace

bool available(bf16, std::int64_t width) { return has_tiles<bf16>(width); }
bool available(float, std::int64_t width) { return has_tiles<float>(width); }

template <class Number>
void forward(const Number* qkv, const Shape& shape, const Family& family, std::int64_t g,
             Number* out, float* log_sums, tiles::Workspace& workspace) {
  Forward<Number>(qkv, shape, family, g, out, log_sums, workspace);
}

template <class Number>
void backward(const Number* qkv, const float* log_sums, const Number* by_out, const Shape& shape,
              const Family& family, std::int64_t g, Number* by_qkv, tiles::Workspace& workspace) {
  Backward<Number>(qkv, log_sums, by_out, shape, family, g, by_qkv, workspace);
}

template void forward(const bf16*, const Shape&, const Family&, std::int64_t, bf16*, float*,
                      tiles::Workspace&);
template void forward(const float*, const Shape&, const Family&, std::int64_t, float*, float*,
                      tiles::Workspace&);
template void backward(const bf16*, const float*, const bf16*, const Shape&, const Family&,
                       std::int64_t, bf16*, tiles::Workspace&);
template void backward(const float*, const float*, const float*, const Shape&, const Family&,
                       std::int64_t, float*, tiles::Workspace&);

}  // namespace kernels::tiled_attention
