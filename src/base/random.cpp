#include "base/random.h"

#include <cmath>

#include "base/hash.h"

namespace base {
namespace {

std::uint64_t mix(std::uint64_t x) {  // splitmix64's finaliser
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t random_key(const RandomPlace& place) {
  std::uint64_t key = mix(place.seed + 0x9e3779b97f4a7c15u);
  key = mix(key ^ stable_hash(place.stage));
  key = mix(key + 0x9e3779b97f4a7c15u * (place.step + 1));
  return mix(key + 0xd1342543de82ef95u * (place.stream + 1));
}

Random::Random(const RandomPlace& place) {
  const std::uint64_t key = random_key(place);
  key_[0] = static_cast<std::uint32_t>(key);
  key_[1] = static_cast<std::uint32_t>(key >> 32);
  counter_[0] = counter_[1] = 0;
  counter_[2] = static_cast<std::uint32_t>(place.stream);
  counter_[3] = static_cast<std::uint32_t>(place.step);
}

// Philox 4x32-10: constants and rounds as in Salmon et al., "Parallel random numbers: as easy as 1,
// 2, 3", SC 2011.
void Random::refill() {
  std::uint32_t c[4] = {counter_[0], counter_[1], counter_[2], counter_[3]};
  std::uint32_t k[2] = {key_[0], key_[1]};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
    const std::uint32_t next[4] = {
        static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(a)};
    for (int i = 0; i < 4; ++i) c[i] = next[i];
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  for (int i = 0; i < 4; ++i) block_[i] = c[i];
  if (++counter_[0] == 0) ++counter_[1];
  used_ = 0;
}

std::uint32_t Random::bits() {
  if (used_ == 4) refill();
  return block_[used_++];
}

double Random::uniform() {
  const std::uint64_t high = bits() >> 5, low = bits() >> 6;
  return static_cast<double>(high * 67108864 + low) / 9007199254740992.0;  // 53 bits
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // Box-Muller
  return radius * std::cos(6.283185307179586 * uniform());
}

std::uint64_t Random::below(std::uint64_t n) {
  return static_cast<std::uint64_t>(uniform() * static_cast<double>(n));
}

std::size_t Random::choose(const std::vector<double>& weights) {
  double total = 0;
  for (double weight : weights) total += weight;
  double left = uniform() * total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return i;
  }
  for (std::size_t i = weights.size(); i > 0;
       --i)  // rounding left a crumb: the last that can be chosen
    if (weights[i - 1] > 0) return i - 1;
  return 0;
}

}  // namespace base
