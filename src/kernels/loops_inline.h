#pragma once

#include <bit>
#include <cstdint>

#include "kernels/loops.h"

// What the loops over plain memory are made of; for their .cpp files alone. Functions marked
// ATTUNE_CLONES are compiled for several instruction sets, of which the processor's is taken at run
// time, and what they call must be inlined into each.

// Sanitizers start before the dynamic linker may choose between clones.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ATTUNE_CLONES
#else
#define ATTUNE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#define ATTUNE_INLINE inline __attribute__((always_inline))

namespace kernels::loops {

ATTUNE_INLINE float load(const float* p) { return *p; }
ATTUNE_INLINE float load(const bf16* p) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(*p) << 16);
}
ATTUNE_INLINE void store(float* p, float value) { *p = value; }
ATTUNE_INLINE void store(
    bf16* p, float value) {  // to nearest even; NaN stays NaN but for payloads nobody makes
  const auto bits = std::bit_cast<std::uint32_t>(value);
  *p = static_cast<bf16>((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);
}

// e^x, relative error below 2e-7 (Cephes' polynomial); x is held within [-75, 88], so that products
// with it do not become subnormal, which is slow.
ATTUNE_INLINE float fast_exp(float x) {
  x = x < -75.f ? -75.f : x;
  x = x > 88.f ? 88.f : x;
  const float shifted =
      x * 1.44269504f + 12582912.f;  // the nearest whole number sits in the low bits
  const float n = shifted - 12582912.f;
  const float r = (x - n * .693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  return std::bit_cast<float>(std::bit_cast<std::int32_t>(p) +
                              (std::bit_cast<std::int32_t>(shifted) << 23));
}

}  // namespace kernels::loops
