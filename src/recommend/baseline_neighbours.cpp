// BM25 neighbours: training contexts whose last words are alike vote for what was named after them
// (neighbours.h); where votes are equal, popularity.
#include <array>

#include "base/format.h"
#include "recommend/baseline.h"

namespace recommend {
namespace {

constexpr std::array<std::size_t, 3> kVoters = {100, 300, 1000};

ItemWeights fit(const BaselineInput& input, std::size_t setting) {
  return [&tables = input.tables, voters = kVoters[setting]](const dialogue::State& state) {
    std::vector<double> weights(static_cast<std::size_t>(tables.counts.items()));
    const RankContext context = context_of(state, tables.words);
    for (const auto& [item, share] : tables.neighbours.votes(context, -1, voters))
      weights[static_cast<std::size_t>(item)] = share;
    return ties_by_popularity(std::move(weights), tables.counts);
  };
}

}  // namespace

BaselineKind neighbours_baseline() {
  BaselineKind kind{"bm25", {}, "v2", fit};
  for (std::size_t voters : kVoters)
    kind.settings.push_back(std::to_string(voters) + " neighbours");
  return kind;
}

}  // namespace recommend
