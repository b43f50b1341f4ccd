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

namespace recommend {

struct RankerSettings {
  std::vector<std::string> terms = {
      "language", "bag",    "words",      "cooccurrence", "similar",           "last",
      "graph",    "stated", "neighbours", "popularity",   "recent_popularity", "copy"};
  int members = 3;  // bag networks with seeds of their own, whose logits are averaged
  BagSettings bag;
  int epochs = 3;
  int batch = 256;                       // contexts
  double learning_rate = 4e-3;           // of the bag network
  double language_learning_rate = 5e-4;  // of the language term
  double count_learning_rate = 2e-2;     // of gates and of what each word and item counts
  double weight_decay = 2;
  double seeker_weight = .5;  // of items that the seeker names
  int min_word_dialogues = 5;
  double max_word_share = .4;  // of the training dialogues

  template <class F>
  void fields(F&& field) {
    field("terms", terms,
          "parts of the ranker: language, bag, words, cooccurrence, similar, last, graph, stated, "
          "neighbours, popularity, recent_popularity, copy");
    field("members", members, "bag networks with seeds of their own, averaged");
    field("bag", bag, "the network over words and items");
    field("epochs", epochs, "passes over the training contexts");
    field("batch", batch, "contexts of one step");
    field("learning_rate", learning_rate, "AdamW's peak step size for the bag network");
    field("language_learning_rate", language_learning_rate, "the same for the language term");
    field("count_learning_rate", count_learning_rate,
          "the same for gates and for what each word and item counts");
    field("weight_decay", weight_decay,
          "AdamW's decay of matrices; large, or the networks learn the dialogues by heart");
    field("seeker_weight", seeker_weight, "of items that the seeker names, as targets");
    field("min_word_dialogues", min_word_dialogues,
          "training dialogues that must hold a word for it to count");
    field("max_word_share", max_word_share,
          "share of the training dialogues above which a word tells nothing");
  }
};

// Throws base::UsageError, with the terms there are, where one of these is none or none of them
// ranks new items.
void check_terms(const std::vector<std::string>& terms);

// The words that a ranker with these settings knows, and a predictor beside it: those of the
// dialogues, and names of several words of what the catalogue's items share.
WordTable word_table(const RankerSettings& settings,
                     const std::vector<const dialogue::Dialogue*>& training,
                     const Entities& entities);

// What the networks know of each item, whatever the context: made once where weights stand still,
// anew at every training step.
struct ItemTables {
  std::vector<torch::Tensor> bags;  // one a bag network: [N, d]
  torch::Tensor language;           // [N, C] float; undefined without the language term
};

// A batch of contexts to rank the catalogue for.
struct RankBatch {
  std::vector<RankContext> contexts;
  std::vector<dialogue::Role> speakers;  // who is about to speak; empty: the recommender in all
  std::vector<const DialogueCounts*>
      without;  // one a context: its own dialogue while training; empty: none
  torch::Tensor
      language_hidden;  // [B, C] float: the language model's state where the item is to stand
  ItemTables items;
  bool training = false;  // thins out and drops
  std::uint64_t key = 0;  // decides what is dropped
};

// Fills the item slot: a sum of terms over the catalogue, in three parts that are trained side by
// side, each to predict the item by itself, and added up with weights fitted on dialogues that none
// of them has seen:
//   counted   each counted term (counted_terms.h, priors.h) with a gate softplus(linear(1,
//   log1p(items
//             so far), none yet, one so far, log1p(turns), log1p(entities named)));
//   bag       the mean of several bag networks (bag_term.h) with seeds of their own;
//   language  (h W) (E + D)^T, W starting at the identity and D at 0.
// Items already named are left to the copy model, which shares probability between them and new
// ones.
class Ranker {
 public:
  // A ranker to be trained. Throws base::UsageError where a setting is out of range.
  Ranker(RankerSettings settings, RankerTables tables, std::int64_t language_width,
         std::uint64_t seed);

  // Reads and writes a ranker folder: ranker.json, ranker.safetensors, counts.safetensors. The
  // catalogue is the one it was trained with. read throws base::DataError.
  static Ranker read(const std::filesystem::path& folder, const dialogue::Catalogue& catalogue);
  void write(const std::filesystem::path& folder) const;

  const RankerSettings& settings() const { return settings_; }
  const RankerTables& tables() const { return *tables_; }
  const WordTable& words() const { return tables_->words; }
  const Counts& counts() const { return tables_->counts; }
  model::ParameterSet& parameters() { return *parameters_; }
  const model::ParameterSet& parameters() const { return *parameters_; }
  int items() const { return tables_->counts.items(); }
  bool uses_language() const { return has_term("language"); }
  bool counts_anything() const;  // has a term other than bag and language
  std::int64_t language_width() const { return parameters_->at("language.weight").size(0); }

  // embeddings: [N, C] float, the language model's item tokens; not looked at without the language
  // term. Differentiable.
  ItemTables item_tables(const torch::Tensor& embeddings) const;

  // A state as this ranker reads it.
  RankContext read_state(const dialogue::State& state) const {
    return context_of(state, tables_->words, tables_->entities);
  }

  // A copy with weights of its own and the same counts.
  Ranker clone() const;
  // The same with one term switched off.
  Ranker without_term(const std::string& term) const;

  // Every term there is, in the order of its row in reports.
  static const std::vector<std::string>& all_terms();
  bool has_term(const std::string& term) const;

  // The logits of each part by itself, each bag network one of them: what training looks at. [B, N]
  // each, items already named at -1e9.
  std::vector<torch::Tensor> part_logits(const RankBatch& batch) const;

  // How much each part counts: counted, bag, language. Fitted by train_ranker. [3]
  const torch::Tensor& part_weights() const { return parameters_->at("parts.weight"); }

  // The counted terms that it has, in the order of their gates.
  std::vector<std::string> counted() const;

  // [B, terms] of counted().
  torch::Tensor gates(const std::vector<RankContext>& contexts) const;

  // [B, N]: unnormalised logits of new items; those of items already named are -1e9.
  // Differentiable.
  torch::Tensor logits(const RankBatch& batch) const;

  // [B, N]: natural log-probabilities over the catalogue, the copy model included. Differentiable.
  torch::Tensor log_probs(const RankBatch& batch) const;

 private:
  Ranker() = default;
  torch::Tensor counted_logits(const RankBatch& batch) const;
  std::vector<torch::Tensor> bag_logits(const RankBatch& batch) const;
  torch::Tensor language_logits(const RankBatch& batch) const;

  RankerSettings settings_;
  std::shared_ptr<const RankerTables> tables_;
  std::shared_ptr<model::ParameterSet> parameters_;
};

// Sets the logits of the items named in each context to `value` in place of what stands there. [B,
// N].
torch::Tensor mask_named(const torch::Tensor& logits, const std::vector<RankContext>& contexts,
                         double value);

}  // namespace recommend
