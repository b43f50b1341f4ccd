#pragma once

#include "model/language_model.h"
#include "pipeline/recipe.h"
#include "recommend/counts.h"
#include "train/tokens.h"

namespace pipeline {

// The language model that supervised fine-tuning starts from: random weights of the recipe's shape,
// or the folder that model.base names, its vocabulary grown to `tokens` and, where
// model.lora.rank asks for it, frozen beside an adapter. Tokens of markup start at the mean of the
// words' rows. Item tokens start from what stands together in the training dialogues, `counts`; in
// a model that knows words, at the mean of the rows of title and attributes.
model::LanguageModel start_model(const ModelSettings& settings, const train::DialogueTokens& tokens,
                                 const dialogue::Catalogue& catalogue,
                                 const recommend::Counts& counts, std::uint64_t seed);

}  // namespace pipeline
