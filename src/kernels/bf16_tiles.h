#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "kernels/ahead.h"
#include "kernels/loops.h"

// Small products of bf16 matrices with sums in fp32, by AVX-512 BF16. Its instruction multiplies
// words, two neighbours of the axis that is summed over, so matrices come as words: the left one as
// it stands, the right one packed. Callers check available() first.
namespace kernels::tiles {

using loops::bf16;

// What one tile holds in registers.
constexpr std::int64_t kRows = 6, kColumns = 64;

bool available();

// Rows of `width` numbers, `stride` apart.
struct Words {
  const bf16* data;
  std::int64_t stride, width;

  Words from(std::int64_t row) const { return {data + row * stride, stride, width}; }
};

// The left matrix: word (i, k) stands at data + i * row + k * step, in words.
struct Left {
  const void* data;
  std::int64_t row, step;
};
// The right one: word (k, j) at data + k * row + j. The two numbers of a word follow one another
// along k.
struct Right {
  const std::uint32_t* data;
  std::int64_t row;
};
struct Target {
  float* data;
  std::int64_t row;
};
struct Extent {
  std::int64_t rows;     // 1 to kRows
  std::int64_t columns;  // a multiple of 16, at most kColumns
  std::int64_t steps;    // words along the axis that is summed over
};
// `ahead` is fetched meanwhile.
void multiply(const Left& left, const Right& right, const Target& to, const Extent& extent,
              const Ahead& ahead = {});
void add_product(const Left& left, const Right& right, const Target& to, const Extent& extent);

// The right matrix of a product with the rows' transpose: word (k, at + i) holds numbers 2k and
// 2k+1 of row i. `row`: words of a row of the result. Zeros follow the rows up to a multiple of 16.
// rows.width is a multiple of 32.
void pack_transposed(const Words& rows, std::int64_t count, std::int64_t at, std::int64_t row,
                     std::uint32_t* to);

// The right matrix of a product with the rows themselves: word (k, j) holds number j of rows 2k and
// 2k+1. Zeros follow up to a multiple of 16 rows. rows.width is a multiple of 32.
void pack_pairs(const Words& rows, std::int64_t count, std::uint32_t* to);

// Rows of sums [count, width], times `factor`, as bf16 `stride` apart. width: a multiple of 16.
void store_rows(const float* sums, std::int64_t count, std::int64_t width, float factor, bf16* to,
                std::int64_t stride);

// Memory for the arrays of one piece of work after another, at addresses that vectors like. What
// was taken for one is gone with the next begin().
class Workspace {
 public:
  // `bytes`: of all arrays, each rounded up to size<T>(n).
  void begin(std::size_t bytes) {
    used_ = 0;
    if (bytes <= room_) return;
    data_.reset(static_cast<std::byte*>(std::aligned_alloc(64, bytes)));
    if (!data_) throw std::bad_alloc();
    room_ = bytes;
  }

  // Room for n numbers, not set.
  template <class T>
  T* take(std::int64_t n) {
    T* taken = reinterpret_cast<T*>(data_.get() + used_);
    used_ += size<T>(n);
    assert(used_ <= room_);
    return taken;
  }

  template <class T>
  static std::size_t size(std::int64_t n) {
    return (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64;
  }

 private:
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t room_ = 0, used_ = 0;
};

}  // namespace kernels::tiles
