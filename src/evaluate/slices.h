#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluate/ranking.h"
#include "metrics/bootstrap.h"

namespace evaluate {

// V5: V1 and V2 by what kind of item or place it is, the slices of a group in order. A slice
// without a pair is left out.
//   frequency  how often training recommends the item: "0", "1-5", "6-20", "21+"
//   depth      turns before the message: "1-4", "5-9", "10-14", "15+"
//   length     turns of the whole dialogue: "1-12", "13-18", "19-24", "25+"
// frequencies: one an item of the catalogue; empty: that group is left out.
std::vector<SliceScores> score_slices(const ModelRanking& ranking,
                                      const std::vector<Instance>& instances,
                                      std::span<const std::int64_t> frequencies);

// How the lists of the ten best items use a catalogue of so many: "v1" with items named so far,
// "v2" without them. One list an instance. Nothing where there is none.
std::map<std::string, ListScores> score_lists(const ModelRanking& ranking, std::size_t items);
inline constexpr std::size_t kListLength = 10;

// SR and RDL (docs/metrics.md) with their intervals, over dialogues that have an item of V3.
// Nothing where none has.
std::optional<DialogueScores> score_dialogues(const ModelRanking& ranking,
                                              const std::vector<Instance>& instances,
                                              const metrics::BootstrapOptions& options = {});

}  // namespace evaluate
