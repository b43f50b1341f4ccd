#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include <immintrin.h>

// The instructions of AVX-512, BF16 and VNNI that our kernels use, in plain C++, by Intel's
// descriptions of them: emulated_NAME does what _mm512_NAME does, but that sums of bf16 products
// keep subnormal numbers. A kernel that needs another fails to compile here until it stands below.

using emulated_m512 = float __attribute__((vector_size(64)));
using emulated_m512d = double __attribute__((vector_size(64)));
using emulated_m512i = long long __attribute__((vector_size(64)));
using emulated_m512bh = short __attribute__((vector_size(64)));
using emulated_m256bh = short __attribute__((vector_size(32)));

namespace emulated {

template <class T, class Vector>
std::array<T, sizeof(Vector) / sizeof(T)> lanes(Vector vector) {
  return std::bit_cast<std::array<T, sizeof(Vector) / sizeof(T)>>(vector);
}

// The vector whose lane i is lane(i), a T.
template <class Vector, class T, class Lane>
Vector make(const Lane& lane) {
  std::array<T, sizeof(Vector) / sizeof(T)> all;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = lane(i);
  return std::bit_cast<Vector>(all);
}

template <class Lane>
emulated_m512 floats(const Lane& lane) {
  return make<emulated_m512, float>(lane);
}
template <class Lane>
emulated_m512i words(const Lane& lane) {
  return make<emulated_m512i, std::uint32_t>(lane);
}

inline bool has(__mmask16 mask, std::size_t lane) { return (mask >> lane & 1) != 0; }

template <class Vector>
Vector load(const void* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

inline float from_bf16(std::uint32_t half) { return std::bit_cast<float>(half << 16); }

// To nearest even; subnormal numbers become 0.
inline std::uint16_t to_bf16(float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  if (std::isnan(number)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  if ((bits & 0x7F800000U) == 0) return static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// Within each 128 bits, the lower or upper halves of a and b, a lane of each in turn.
template <class T, int upper, class Vector>
Vector unpack(Vector a, Vector b) {
  constexpr std::size_t kLanes = 16 / sizeof(T);
  const auto x = lanes<T>(a), y = lanes<T>(b);
  return make<Vector, T>([&](std::size_t i) {
    const std::size_t from = i / kLanes * kLanes + upper * kLanes / 2 + i % kLanes / 2;
    return i % 2 == 0 ? x[from] : y[from];
  });
}

// Two quarters of a and two of b, by two bits of `which` each.
template <class Vector>
Vector shuffle(Vector a, Vector b, int which) {
  const auto x = lanes<std::uint64_t>(a), y = lanes<std::uint64_t>(b);
  return make<Vector, std::uint64_t>([&](std::size_t i) {
    const std::size_t from = static_cast<std::size_t>(which >> (i / 2 * 2) & 3) * 2 + i % 2;
    return i < 4 ? x[from] : y[from];
  });
}

}  // namespace emulated

inline emulated_m512 emulated_loadu_ps(const void* from) {
  return emulated::load<emulated_m512>(from);
}
inline emulated_m512i emulated_loadu_si512(const void* from) {
  return emulated::load<emulated_m512i>(from);
}
inline emulated_m512i emulated_load_si512(const void* from) {
  assert(reinterpret_cast<std::uintptr_t>(from) % 64 == 0);
  return emulated::load<emulated_m512i>(from);
}
inline void emulated_storeu_ps(void* to, emulated_m512 a) { std::memcpy(to, &a, sizeof a); }
inline void emulated_storeu_si512(void* to, emulated_m512i a) { std::memcpy(to, &a, sizeof a); }

inline emulated_m512 emulated_setzero_ps() { return emulated_m512{}; }
inline emulated_m512i emulated_setzero_si512() { return emulated_m512i{}; }
inline emulated_m512 emulated_set1_ps(float a) {
  return emulated::floats([&](std::size_t) { return a; });
}
inline emulated_m512i emulated_set1_epi32(int a) {
  return emulated::words([&](std::size_t) { return static_cast<std::uint32_t>(a); });
}

inline emulated_m512 emulated_add_ps(emulated_m512 a, emulated_m512 b) { return a + b; }
inline emulated_m512 emulated_sub_ps(emulated_m512 a, emulated_m512 b) { return a - b; }
inline emulated_m512 emulated_mul_ps(emulated_m512 a, emulated_m512 b) { return a * b; }
inline emulated_m512 emulated_fmadd_ps(emulated_m512 a, emulated_m512 b, emulated_m512 c) {
  return emulated::floats([&](std::size_t i) { return std::fma(a[i], b[i], c[i]); });
}
inline emulated_m512 emulated_max_ps(emulated_m512 a, emulated_m512 b) {  // b where one is NaN
  return emulated::floats([&](std::size_t i) { return a[i] > b[i] ? a[i] : b[i]; });
}
inline float emulated_reduce_add_ps(emulated_m512 a) {
  auto x = emulated::lanes<float>(a);
  for (std::size_t half = x.size() / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) x[i] += x[i + half];
  return x[0];
}
inline float emulated_reduce_max_ps(emulated_m512 a) {
  float most = a[0];
  for (const float x : emulated::lanes<float>(a)) most = most > x ? most : x;
  return most;
}
inline emulated_m512 emulated_roundscale_ps(emulated_m512 a, int /*to nearest whole number*/) {
  return emulated::floats([&](std::size_t i) { return std::nearbyint(a[i]); });
}
inline emulated_m512 emulated_scalef_ps(emulated_m512 a, emulated_m512 b) {  // a * 2^floor(b)
  return emulated::floats([&](std::size_t i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) return std::numeric_limits<float>::quiet_NaN();
    return std::ldexp(a[i],
                      static_cast<int>(std::fmax(-1000.f, std::fmin(1000.f, std::floor(b[i])))));
  });
}

inline emulated_m512 emulated_maskz_mov_ps(__mmask16 mask, emulated_m512 a) {
  return emulated::floats([&](std::size_t i) { return emulated::has(mask, i) ? a[i] : 0.f; });
}
inline emulated_m512 emulated_mask_max_ps(emulated_m512 other, __mmask16 mask, emulated_m512 a,
                                          emulated_m512 b) {
  const emulated_m512 most = emulated_max_ps(a, b);
  return emulated::floats(
      [&](std::size_t i) { return emulated::has(mask, i) ? most[i] : other[i]; });
}
inline emulated_m512 emulated_mask3_fmadd_ps(emulated_m512 a, emulated_m512 b, emulated_m512 c,
                                             __mmask16 mask) {
  const emulated_m512 sum = emulated_fmadd_ps(a, b, c);
  return emulated::floats([&](std::size_t i) { return emulated::has(mask, i) ? sum[i] : c[i]; });
}
// Nothing is read where the mask has none.
inline emulated_m512 emulated_mask_loadu_ps(emulated_m512 other, __mmask16 mask, const void* from) {
  return emulated::floats([&](std::size_t i) {
    return emulated::has(mask, i) ? static_cast<const float*>(from)[i] : other[i];
  });
}
inline emulated_m512 emulated_maskz_loadu_ps(__mmask16 mask, const void* from) {
  return emulated_mask_loadu_ps(emulated_m512{}, mask, from);
}

inline emulated_m512i emulated_and_si512(emulated_m512i a, emulated_m512i b) { return a & b; }
inline emulated_m512i emulated_or_si512(emulated_m512i a, emulated_m512i b) { return a | b; }
inline emulated_m512i emulated_slli_epi32(emulated_m512i a, unsigned bits) {
  const auto x = emulated::lanes<std::uint32_t>(a);
  return emulated::words([&](std::size_t i) { return x[i] << bits; });
}
inline emulated_m512i emulated_add_epi32(emulated_m512i a, emulated_m512i b) {
  const auto x = emulated::lanes<std::uint32_t>(a), y = emulated::lanes<std::uint32_t>(b);
  return emulated::words([&](std::size_t i) { return x[i] + y[i]; });
}

inline emulated_m512 emulated_castsi512_ps(emulated_m512i a) {
  return std::bit_cast<emulated_m512>(a);
}
inline emulated_m512d emulated_castps_pd(emulated_m512 a) {
  return std::bit_cast<emulated_m512d>(a);
}
inline emulated_m512 emulated_castpd_ps(emulated_m512d a) {
  return std::bit_cast<emulated_m512>(a);
}
inline emulated_m512 emulated_cvtepi32_ps(emulated_m512i a) {
  const auto x = emulated::lanes<std::int32_t>(a);
  return emulated::floats([&](std::size_t i) { return static_cast<float>(x[i]); });
}
inline emulated_m512i emulated_cvtepu16_epi32(__m256i a) {
  const auto x = emulated::lanes<std::uint16_t>(a);
  return emulated::words([&](std::size_t i) { return std::uint32_t{x[i]}; });
}
inline emulated_m256bh emulated_cvtneps_pbh(emulated_m512 a) {
  return emulated::make<emulated_m256bh, std::uint16_t>(
      [&](std::size_t i) { return emulated::to_bf16(a[i]); });
}

// sum + the products of both numbers of a word, the upper ones first.
inline emulated_m512 emulated_dpbf16_ps(emulated_m512 sum, emulated_m512bh a, emulated_m512bh b) {
  const auto x = emulated::lanes<std::uint32_t>(a), y = emulated::lanes<std::uint32_t>(b);
  return emulated::floats([&](std::size_t i) {
    const float upper =
        std::fma(emulated::from_bf16(x[i] >> 16), emulated::from_bf16(y[i] >> 16), sum[i]);
    return std::fma(emulated::from_bf16(x[i] & 0xFFFF), emulated::from_bf16(y[i] & 0xFFFF), upper);
  });
}
// sum + the four products of a word's bytes, those of a without a sign.
inline emulated_m512i emulated_dpbusd_epi32(emulated_m512i sum, emulated_m512i a,
                                            emulated_m512i b) {
  const auto x = emulated::lanes<std::uint8_t>(a);
  const auto y = emulated::lanes<std::int8_t>(b);
  const auto before = emulated::lanes<std::uint32_t>(sum);
  return emulated::words([&](std::size_t i) {
    int products = 0;
    for (std::size_t k = 4 * i; k < 4 * i + 4; ++k) products += x[k] * y[k];
    return before[i] + static_cast<std::uint32_t>(products);
  });
}

inline emulated_m512i emulated_permutex2var_epi16(emulated_m512i a, emulated_m512i which,
                                                  emulated_m512i b) {
  const auto x = emulated::lanes<std::uint16_t>(a), y = emulated::lanes<std::uint16_t>(b),
             from = emulated::lanes<std::uint16_t>(which);
  return emulated::make<emulated_m512i, std::uint16_t>(
      [&](std::size_t i) { return ((from[i] & 32) != 0 ? y : x)[from[i] & 31]; });
}
inline emulated_m512i emulated_unpacklo_epi32(emulated_m512i a, emulated_m512i b) {
  return emulated::unpack<std::uint32_t, 0>(a, b);
}
inline emulated_m512i emulated_unpackhi_epi32(emulated_m512i a, emulated_m512i b) {
  return emulated::unpack<std::uint32_t, 1>(a, b);
}
inline emulated_m512i emulated_unpacklo_epi64(emulated_m512i a, emulated_m512i b) {
  return emulated::unpack<std::uint64_t, 0>(a, b);
}
inline emulated_m512i emulated_unpackhi_epi64(emulated_m512i a, emulated_m512i b) {
  return emulated::unpack<std::uint64_t, 1>(a, b);
}
inline emulated_m512 emulated_unpacklo_ps(emulated_m512 a, emulated_m512 b) {
  return emulated::unpack<float, 0>(a, b);
}
inline emulated_m512 emulated_unpackhi_ps(emulated_m512 a, emulated_m512 b) {
  return emulated::unpack<float, 1>(a, b);
}
inline emulated_m512d emulated_unpacklo_pd(emulated_m512d a, emulated_m512d b) {
  return emulated::unpack<double, 0>(a, b);
}
inline emulated_m512d emulated_unpackhi_pd(emulated_m512d a, emulated_m512d b) {
  return emulated::unpack<double, 1>(a, b);
}
inline emulated_m512i emulated_shuffle_i32x4(emulated_m512i a, emulated_m512i b, int which) {
  return emulated::shuffle(a, b, which);
}
inline emulated_m512 emulated_shuffle_f32x4(emulated_m512 a, emulated_m512 b, int which) {
  return emulated::shuffle(a, b, which);
}
