#pragma once

#include <cstdint>
#include <vector>

#include "evaluate/candidates.h"
#include "evaluate/ranking.h"
#include "metrics/bootstrap.h"

namespace evaluate {

// Everything that rankings of some dialogues are measured by.
struct Examples {
  std::vector<Instance> own;           // InstanceRule::own: V1 to V5, files, comparisons, replies
  std::vector<Instance> kbrd, unicrs;  // the same dialogues by others' rules: V1 and V2
  std::vector<Negatives> negatives;    // one an own instance; empty: no V4
  std::vector<std::int64_t> frequencies;  // one an item, how often training recommends it
};

struct ExampleOptions {
  dialogue::StateOptions state = {};
  // One an item of the catalogue (recommender_mentions of the training dialogues). Empty: no V4 and
  // no slices by it.
  std::vector<std::int64_t> frequencies = {};
  std::uint64_t seed = 1;  // of the negatives
};

Examples make_examples(const std::vector<const dialogue::Dialogue*>& dialogues,
                       const ExampleOptions& options = {});

struct ExampleRankings {
  ModelRanking own, kbrd, unicrs;
};

// Every state is asked for once, whichever lists it stands in. Throws as rank_instances.
ExampleRankings rank_examples(dialogue::Recommender& recommender, const Examples& examples,
                              const dialogue::Catalogue& catalogue,
                              base::Console& console = base::silent_console());

// Protocols "v1", "v2", "v3", "ln"; "v4-…" where there are negatives; "v1-kbrd", "v2-kbrd",
// "v1-unicrs", "v2-unicrs"; slices, lists and dialogues. What has no pair is left out. There are
// intervals of "v1", "v2", "v3", "ln" and the dialogues, made as `options` say.
ModelScores score_examples(const ExampleRankings& rankings, const Examples& examples,
                           const metrics::BootstrapOptions& options = {});

}  // namespace evaluate
