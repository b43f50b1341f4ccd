#pragma once

#include <cstdint>
#include <vector>

#include "model/forward.h"
#include "train/stage.h"
#include "train/windows.h"

namespace train {

struct SftSettings {
  int epochs = 6;
  int batch_tokens = 2048;
  double learning_rate = 1e-3;
  double warmup = .05;  // share of the steps
  double weight_decay = .1;
  double dropout = .1;
  double clip = 1;  // of the gradient's norm
  double seeker_weight = .5;
  int patience = 2;  // epochs without a better validation loss before stopping
  int checkpoint_every = 200;

  template <class F>
  void fields(F&& field) {
    field("epochs", epochs, "passes over the training dialogues, at most");
    field("batch_tokens", batch_tokens, "tokens of one step");
    field("learning_rate", learning_rate, "AdamW's peak step size");
    field("warmup", warmup,
          "share of the steps that the step size takes to its peak; a cosine to 0 follows");
    field("weight_decay", weight_decay, "AdamW's decay of matrices");
    field("dropout", dropout, "of embeddings and of what each half-layer adds");
    field("clip", clip, "largest norm of the gradient");
    field("seeker_weight", seeker_weight, "of the seeker's words in the loss");
    field("patience", patience, "epochs without a better validation loss before stopping");
    field("checkpoint_every", checkpoint_every, "steps between checkpoints");
  }
};

// Mean losses in nats over the tokens of validation sequences, by part of an action.
struct SftLosses {
  double mode = 0, item = 0, words = 0;  // of the recommender
  double all = 0;                        // over the recommender's tokens of all parts
  std::int64_t word_tokens = 0;
};
SftLosses evaluate_losses(const model::LanguageModel& model, const std::vector<Sequence>& sequences,
                          torch::Dtype type);

struct SftResult {
  model::LanguageModel model;  // of the epoch with the best validation loss
  SftLosses validation;        // of that epoch
  int best_epoch = 0;          // from 1
  std::int64_t steps = 0;      // taken in all
};

// Supervised fine-tuning, on the model's device: next-token cross-entropy over packed sequences,
// each token computed once an epoch. Goes on from the stage's newest checkpoint, bit-exactly;
// throws base::Interrupted after writing one where it is told to stop.
SftResult train_sft(model::LanguageModel model, const std::vector<Sequence>& training,
                    const std::vector<Sequence>& validation, const SftSettings& settings,
                    torch::Dtype type, const Stage& stage);

// The loss of one batch of sequences: -sum(weight * log p) / sum(weight). Differentiable.
torch::Tensor sft_loss(const model::Weights& weights, const std::vector<const Sequence*>& batch,
                       const model::ForwardOptions& options);

}  // namespace train
