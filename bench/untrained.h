#pragma once

#include <cstdint>
#include <optional>

#include "dialogue/dialogue.h"
#include "harness.h"
#include "recommend/model_folder.h"

namespace bench {

// ReDial, with what the public tables know of its films where they are there too; nothing where
// ReDial is absent.
std::optional<dialogue::Corpus> redial_with_knowledge(const Options& options);

struct ModelSize {
  std::int64_t layers = 6, heads = 6, width = 384;
};

// A recommender over a corpus with everything to look up, its weights random.
recommend::TrainedModel untrained(const dialogue::Corpus& corpus, const ModelSize& size);

}  // namespace bench
