#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/progress.h"
#include "model/forward.h"
#include "recommend/ranker.h"
#include "train/tokens.h"

namespace recommend {

struct RankerTraining {
  const dialogue::Catalogue& catalogue;
  const std::vector<const dialogue::Dialogue*>& dialogues;
  const std::vector<const dialogue::Dialogue*>& validation;  // to fit the parts' weights on
  const dialogue::StateOptions& state;
  const model::Weights& language;  // the SFT model, frozen
  const train::DialogueTokens& tokens;
  std::uint64_t seed = 0;
  std::filesystem::path folder;  // metrics
  base::Console& console;
};

// Trains a ranker on what the training dialogues name: the cross-entropy of each part by itself
// over new items, with the own dialogue taken out of the counts; then the weights of the parts on
// the validation dialogues (left as they are where there are none); then the copy model. A function
// of its arguments.
Ranker train_ranker(const RankerSettings& settings, const RankerTraining& training);

}  // namespace recommend
