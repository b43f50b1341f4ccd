#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluate/instances.h"

namespace evaluate {

// V4: an item of V2 among a few that were drawn. Only to stand beside papers that measure so, and
// only with the row of popularity: how the others are drawn decides the number.
enum class NegativeKind {
  uniform,  // all items of the catalogue alike
  popular,  // in proportion to 1 + how often training recommends an item
};
inline constexpr std::array kNegativeKinds = {NegativeKind::uniform, NegativeKind::popular};
inline constexpr std::array<std::size_t, 3> kNegativeCounts = {19, 49, 99};

// A key of ModelScores::protocols: "v4-uniform-19".
std::string sampled_name(NegativeKind kind, std::size_t count);
// Where the files of all its sizes are: "v4-uniform".
std::string sampled_folder(NegativeKind kind);

// Of one instance: 99 different items of each kind, or all there are; the first 19 and 49 are the
// smaller draws. Never an item of the message, nor one named before it. Empty where V2 has no item.
struct Negatives {
  std::array<std::vector<int>, kNegativeKinds.size()> items;  // by NegativeKind
};

// One an instance, a function of the arguments: all models meet the same. frequencies: one an item
// of the catalogue, how often training recommends it.
std::vector<Negatives> draw_negatives(const std::vector<Instance>& instances,
                                      std::span<const std::int64_t> frequencies,
                                      std::uint64_t seed);

// In how many of the dialogues' recommender messages each of `items` items stands.
std::vector<std::int64_t> recommender_mentions(
    const std::vector<const dialogue::Dialogue*>& dialogues, int items);

}  // namespace evaluate
