#include "kernels/bf16_cache.h"

#include <limits>

#include "kernels/bf16_inline.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kernels::bf16_cache {

using namespace vectors;

namespace {

constexpr std::int64_t kBlock = 16;  // positions worked on for all heads before the next ones

// The sums of quarters 0 and 2, and 1 and 3, of a, then of b.
inline __m512 halves(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}

// Lane i: the sum of x[i].
inline __m512 sums(const __m512 (&x)[16]) {
  __m512 pairs[8], fours[4];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)
    pairs[i] = _mm512_add_ps(_mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]),
                             _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // quarter q: what quarter q of vectors 4i … 4i + 3 sums to
    const __m512d a = _mm512_castps_pd(pairs[2 * i]), b = _mm512_castps_pd(pairs[2 * i + 1]);
    fours[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                             _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  const __m512 low = halves(fours[0], fours[1]), high = halves(fours[2], fours[3]);
  return _mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88),
                       _mm512_shuffle_f32x4(low, high, 0xDD));
}

// What heads [first, first + count) read of a position, in cache lines.
struct Place {
  const char* begin;
  std::int64_t bytes;
};
Place place_of(const Row& row, const bf16* from, std::int64_t position) {
  const std::int64_t low = row.first / row.share, high = (row.first + row.count - 1) / row.share;
  return {reinterpret_cast<const char*>(from + position * row.stride + low * row.width),
          (high + 1 - low) * row.width * static_cast<std::int64_t>(sizeof(bf16))};
}

// The block after the one at `position`.
void fetch_next(const Row& row, const bf16* from, std::int64_t position) {
  for (std::int64_t j = position + kBlock; j < position + 2 * kBlock && j < row.positions; ++j) {
    const Place place = place_of(row, from, j);
    for (std::int64_t b = 0; b < place.bytes; b += 64) _mm_prefetch(place.begin + b, _MM_HINT_T0);
  }
}

const bf16* of_head(const Row& row, const bf16* from, std::int64_t head) {
  return from + (row.first + head) / row.share * row.width;
}

// scores [count, room]: scale * query . key. V vectors of 32 numbers are a head.
template <int V>
void score(const Row& row, std::int64_t room, float* scores) {
  const __m512 scale = _mm512_set1_ps(row.scale);
  for (std::int64_t j = 0; j < row.positions; j += kBlock) {
    fetch_next(row, row.keys, j);
    for (std::int64_t h = 0; h < row.count; ++h) {
      const bf16* keys = of_head(row, row.keys, h);
      __m512i query[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) query[v] = _mm512_loadu_si512(row.query + h * row.width + 32 * v);
      __m512 products[16];
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r) {
        const std::int64_t position = j + r < row.positions ? j + r : row.positions - 1;
        const bf16* key = keys + position * row.stride;
        products[r] = _mm512_setzero_ps();
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v)
          products[r] = _mm512_dpbf16_ps(products[r], as_pairs(query[v]),
                                         as_pairs(_mm512_loadu_si512(key + 32 * v)));
      }
      _mm512_storeu_ps(scores + h * room + j, _mm512_mul_ps(scale, sums(products)));
    }
  }
}

// scores become probabilities.
void soften(float* scores, std::int64_t positions) {
  __m512 most = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (std::int64_t j = 0; j < positions; j += 16)
    most = _mm512_mask_max_ps(most, first_lanes(positions - j), most, _mm512_loadu_ps(scores + j));
  const __m512 largest = _mm512_set1_ps(_mm512_reduce_max_ps(most));
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t j = 0; j < positions; j += 16) {
    const __m512 e =
        _mm512_maskz_mov_ps(first_lanes(positions - j),
                            exponential(_mm512_sub_ps(_mm512_loadu_ps(scores + j), largest)));
    _mm512_storeu_ps(scores + j, e);
    sum = _mm512_add_ps(sum, e);
  }
  const __m512 share = _mm512_set1_ps(1.f / _mm512_reduce_add_ps(sum));
  for (std::int64_t j = 0; j < positions; j += 16)
    _mm512_storeu_ps(scores + j, _mm512_mul_ps(share, _mm512_loadu_ps(scores + j)));
}

// mixed [count, 2 V, 16] += the weighted values: of each vector of a head the numbers at even
// places, then those at odd ones.
template <int V>
void mix(const Row& row, std::int64_t room, const float* weights, float* mixed) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xFFFF0000u));
  for (std::int64_t j = 0; j < row.positions; j += kBlock) {
    fetch_next(row, row.values, j);
    const std::int64_t end = j + kBlock < row.positions ? j + kBlock : row.positions;
    for (std::int64_t h = 0; h < row.count; ++h) {
      const bf16* values = of_head(row, row.values, h);
      float* own = mixed + h * row.width;
      __m512 sum[2 * V];
#pragma GCC unroll 16
      for (int v = 0; v < 2 * V; ++v) sum[v] = _mm512_loadu_ps(own + 16 * v);
      for (std::int64_t r = j; r < end; ++r) {
        const __m512 weight = _mm512_set1_ps(weights[h * room + r]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) {
          const __m512i both = _mm512_loadu_si512(values + r * row.stride + 32 * v);
          sum[2 * v] =
              _mm512_fmadd_ps(weight, _mm512_castsi512_ps(_mm512_slli_epi32(both, 16)), sum[2 * v]);
          sum[2 * v + 1] = _mm512_fmadd_ps(
              weight, _mm512_castsi512_ps(_mm512_and_si512(both, upper)), sum[2 * v + 1]);
        }
      }
#pragma GCC unroll 16
      for (int v = 0; v < 2 * V; ++v) _mm512_storeu_ps(own + 16 * v, sum[v]);
    }
  }
}

template <int V>
void attend_wide(const Row& row, tiles::Workspace& workspace) {
  const std::int64_t room = (row.positions + kBlock - 1) / kBlock * kBlock;
  workspace.begin(tiles::Workspace::size<float>(row.count * room) +
                  tiles::Workspace::size<float>(row.count * row.width));
  float* scores = workspace.take<float>(row.count * room);
  float* mixed = workspace.take<float>(row.count * row.width);
  score<V>(row, room, scores);
  for (std::int64_t i = 0; i < row.count * row.width; i += 16)
    _mm512_storeu_ps(mixed + i, _mm512_setzero_ps());
  for (std::int64_t h = 0; h < row.count; ++h) soften(scores + h * room, row.positions);
  mix<V>(row, room, scores, mixed);
  for (std::int64_t i = 0; i < row.count * row.width; i += 32)
    _mm512_storeu_si512(row.out + i, word(to_bf16(_mm512_loadu_ps(mixed + i)),
                                          to_bf16(_mm512_loadu_ps(mixed + i + 16))));
}

}  // namespace

void attend(const Row& row, tiles::Workspace& workspace) {
  using Attend = void (*)(const Row&, tiles::Workspace&);
  static constexpr Attend kByWidth[] = {attend_wide<1>, attend_wide<2>, attend_wide<3>,
                                        attend_wide<4>, attend_wide<5>, attend_wide<6>,
                                        attend_wide<7>, attend_wide<8>};
  kByWidth[row.width / 32 - 1](row, workspace);
}

}  // namespace kernels::bf16_cache

#pragma GCC pop_options
