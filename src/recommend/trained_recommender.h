#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "dialogue/recommender.h"
#include "kernels/decoding_head.h"
#include "kernels/sampling.h"
#include "model/draw_loop.h"
#include "recommend/language_states.h"
#include "recommend/model_folder.h"

namespace recommend {

struct ReplyOptions {
  std::int64_t slots = 64;  // replies worked on at a time; more wait
  torch::Dtype type = torch::kFloat32;
  std::string
      hash;  // of the model, for decision records; empty: worked out, which reads all weights
  // What replies are decoded with. Prompts, and so modes and rank(), are worked out in `type`; the
  // item of a reply is ranked by the state after its mode, which int8 has decoded. int8 is for the
  // processor.
  kernels::MatrixNumbers numbers = kernels::MatrixNumbers::computed;
  // The model's language model in `type`, where several recommenders of it rank the same states:
  // each is read for all of them once. Must outlive the recommender; null: it reads by itself.
  LanguageStates* states = nullptr;
};

// The whole recommender: the mode from the language model (recommend or chat, nothing else), the
// item from the ranker (new items only: what is named already is not recommended again), the words
// from the language model over the text vocabulary, <|end|> and the one item chosen. A reply that
// recommends names that item once and no other: <|end|> cannot come before it, and where it has not
// come by the last token, it is that token, with probability 1. Where Sampling::max_items allows
// more, the words may go on to another item once the first is named: with the probability that the
// language model gives to any item that is still new, and then which one is the ranker's choice.
//
// Where the language model is on a GPU, replies of one item whose words are drawn from all tokens
// draw several of them a step there.
class TrainedRecommender : public dialogue::Recommender {
 public:
  // Keeps references to the model, which must outlive it and stay as it is.
  TrainedRecommender(std::string name, const TrainedModel& model, const ReplyOptions& options = {});
  ~TrainedRecommender() override;

  std::string name() const override { return name_; }
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override;
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override;
  std::vector<dialogue::ReplyStep> step() override;
  dialogue::Reply close(std::int64_t id) override;

 protected:
  // As recommend::language_hidden has it. [B, C]
  torch::Tensor hidden_of(const std::vector<dialogue::State>& states) const;
  const torch::Tensor& item_embeddings() const { return item_embeddings_; }  // [N, C]

 private:
  struct Open;
  void start_waiting();
  void choose_modes(const std::vector<Open*>& replies);
  void choose_items(const std::vector<Open*>& replies);
  double choose_item(Open& reply);
  void leave_out_unstated(Open& reply) const;
  kernels::Draw draw_word(Open& reply, float* logits) const;
  void take_word(Open& reply, const kernels::Draw& drawn);
  void choose_words(const std::vector<Open*>& replies);
  void draw_words(const std::vector<Open*>& replies);
  bool draws_ahead(const Open& reply) const;
  void finish(Open& reply);

  std::string name_, hash_;
  const TrainedModel& model_;
  ReplyOptions options_;
  model::Weights weights_;
  torch::Tensor item_embeddings_;  // [N, C]
  ItemTables items_;
  std::unique_ptr<model::Decoder> decoder_;
  std::unique_ptr<kernels::DecodingHead> words_;
  std::unique_ptr<model::DrawLoop> loop_;  // on a GPU
  std::map<std::int64_t, std::unique_ptr<Open>> open_;
  std::deque<std::int64_t> waiting_;
  std::int64_t next_id_ = 1;
};

// The row `sft-lm` of a report: ranks by the language model's term alone, softmax(h E^T) over its
// item tokens.
class LanguageTermRecommender : public TrainedRecommender {
 public:
  using TrainedRecommender::TrainedRecommender;
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override;
};

}  // namespace recommend
