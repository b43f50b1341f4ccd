#pragma once

#include <filesystem>

#include "dialogue/catalogue.h"
#include "dialogue/state.h"
#include "model/forward.h"
#include "recommend/ranker.h"
#include "train/tokens.h"

namespace recommend {

// All of a trained recommender: what `sft/` and `policy/` of a run hold.
struct TrainedModel {
  dialogue::Catalogue catalogue;
  dialogue::StateOptions state;
  train::DialogueTokens tokens;
  model::LanguageModel language;
  Ranker ranker;

  // SHA-256 over the weights of both.
  std::string hash() const;
};

// Writes FOLDER/model (a Hugging Face folder with its tokenizer; catalogue.jsonl and items.json,
// which token is which item, beside it) and FOLDER/ranker. Where the model has an adapter,
// FOLDER/model is a PEFT folder, and FOLDER/base its frozen base, unless that lies elsewhere.
void write_trained(const std::filesystem::path& folder, const TrainedModel& model);

// Reads them back. Throws base::DataError naming the file; where tokenizer, catalogue, weights and
// ranker do not belong together too.
TrainedModel read_trained(const std::filesystem::path& folder);

}  // namespace recommend
