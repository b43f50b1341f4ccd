#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

// What small products of matrices in tiles have in common (bf16_tiles.h, fp32_tiles.h). A word is
// what an instruction multiplies at a time: a number in fp32, in bf16 two neighbours of the axis
// that is summed over. The left matrix comes as it stands, the right one packed.
namespace kernels::tiles {

constexpr std::int64_t kRows = 6;  // of a tile, whose sums all stay in registers

// Rows of `width` numbers, `stride` apart.
template <class Number>
struct Rows {
  const Number* data;
  std::int64_t stride, width;

  Rows from(std::int64_t row) const { return {data + row * stride, stride, width}; }
};

// The left matrix: word (i, k) stands at data + i * row + k * step, in words.
struct Left {
  const void* data;
  std::int64_t row, step;
};
// The right one: word (k, j) at data + k * row + j.
template <class Word>
struct Right {
  const Word* data;
  std::int64_t row;
};
struct Target {
  float* data;
  std::int64_t row;
};
struct Extent {
  std::int64_t rows;     // 1 to kRows
  std::int64_t columns;  // a multiple of 16, at most what a tile of the type holds
  std::int64_t steps;    // words along the axis that is summed over
};

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
