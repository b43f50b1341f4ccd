#pragma once

#include <filesystem>

#include "dialogue/catalogue.h"
#include "dialogue/state.h"
#include "model/gpt2.h"
#include "recommend/ranker.h"
#include "train/tokens.h"

namespace recommend {

// All of a trained recommender: what `sft/` and `policy/` of a run hold.
struct TrainedModel {
  dialogue::Catalogue catalogue;
  dialogue::StateOptions state;
  train::DialogueTokens tokens;
  model::Gpt2 language;
  Ranker ranker;

  // SHA-256 over the weights of both.
  std::string hash() const;
};

// Writes FOLDER/model (a Hugging Face GPT-2 folder with its tokenizer; catalogue.jsonl and
// items.json, which token is which item, beside it) and FOLDER/ranker.
void write_trained(const std::filesystem::path& folder, const TrainedModel& model);

// Reads them back. Throws base::DataError naming the file; where tokenizer, catalogue, weights and
// ranker do not belong together too.
TrainedModel read_trained(const std::filesystem::path& folder);

}  // namespace recommend
