#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "recommend/bag_term.h"
#include "recommend/copy_model.h"
#include "recommend/counts.h"
#include "recommend/priors.h"
#include "recommend/words.h"

namespace recommend {

struct RankerSettings {
  std::vector<std::string> terms = {"language", "bag",        "cooccurrence",
                                    "words",    "popularity", "recent_popularity"};
  BagSettings bag;
  int epochs = 3;
  int batch = 256;              // contexts
  double learning_rate = 2e-3;  // of the networks
  double gate_learning_rate = 2e-2;
  double weight_decay = .1;
  double seeker_weight = .5;  // of items that the seeker names
  int min_word_dialogues = 5;
  double max_word_share = .4;  // of the training dialogues

  template <class F>
  void fields(F&& field) {
    field("terms", terms,
          "parts of the ranker: language, bag, cooccurrence, words, popularity, recent_popularity");
    field("bag", bag, "the network over words and items");
    field("epochs", epochs, "passes over the training contexts");
    field("batch", batch, "contexts of one step");
    field("learning_rate", learning_rate, "AdamW's peak step size for networks");
    field("gate_learning_rate", gate_learning_rate, "the same for the gates of the priors");
    field("weight_decay", weight_decay, "AdamW's decay of matrices");
    field("seeker_weight", seeker_weight, "of items that the seeker names, as targets");
    field("min_word_dialogues", min_word_dialogues,
          "training dialogues that must hold a word for it to count");
    field("max_word_share", max_word_share,
          "share of the training dialogues above which a word tells nothing");
  }
};

// The words that a ranker with these settings knows, and a predictor beside it.
WordTable word_table(const RankerSettings& settings,
                     const std::vector<const dialogue::Dialogue*>& training);

// A batch of contexts to rank the catalogue for.
struct RankBatch {
  std::vector<RankContext> contexts;
  std::vector<const DialogueCounts*>
      without;  // one a context: its own dialogue while training; empty: none
  torch::Tensor
      language_hidden;  // [B, C] float: the language model's state where the item is to stand
  torch::Tensor item_embeddings;  // [N, C] float: the language model's item tokens
  bool training = false;          // thins out and drops
  std::uint64_t key = 0;          // decides what is dropped
};

// Fills the item slot: a sum of terms over the catalogue. Each counted prior has a gate
// softplus(linear(1, log1p(items so far), none yet, one so far, log1p(turns))); the language
// model's term is (h W) E^T with W starting at the identity; the bag network adds its own. Items
// already named are left to the copy model, which shares probability between them and new ones.
class Ranker {
 public:
  // A ranker to be trained.
  Ranker(RankerSettings settings, WordTable words, Counts counts, std::int64_t language_width,
         std::uint64_t seed);

  // Reads and writes a ranker folder: ranker.json, ranker.safetensors, counts.safetensors. read
  // throws base::DataError.
  static Ranker read(const std::filesystem::path& folder);
  void write(const std::filesystem::path& folder) const;

  const RankerSettings& settings() const { return settings_; }
  const WordTable& words() const { return words_; }
  const Counts& counts() const { return *counts_; }
  model::ParameterSet& parameters() { return *parameters_; }
  const model::ParameterSet& parameters() const { return *parameters_; }
  int items() const { return counts_->items(); }
  bool uses_language() const { return has_term("language"); }
  std::int64_t language_width() const { return parameters_->at("language.weight").size(0); }

  // A copy with weights of its own and the same counts.
  Ranker clone() const;
  // The same with one term switched off.
  Ranker without_term(const std::string& term) const;

  // [B, N]: unnormalised logits of new items; those of items already named are -1e9.
  // Differentiable.
  torch::Tensor logits(const RankBatch& batch) const;

  // [B, N]: natural log-probabilities over the catalogue, the copy model included. Differentiable.
  torch::Tensor log_probs(const RankBatch& batch) const;

 private:
  Ranker() = default;
  bool has_term(const std::string& term) const;
  torch::Tensor prior_scores(const RankBatch& batch) const;

  RankerSettings settings_;
  WordTable words_;
  std::shared_ptr<const Counts> counts_;
  std::shared_ptr<model::ParameterSet> parameters_;
};

// Sets the logits of the items named in each context to `value` in place of what stands there. [B,
// N].
torch::Tensor mask_named(const torch::Tensor& logits, const std::vector<RankContext>& contexts,
                         double value);

}  // namespace recommend
