#pragma once

#include <map>
#include <vector>

#include "dialogue/state.h"
#include "model/forward.h"
#include "train/tokens.h"

namespace recommend {

// The language model's hidden states where the item is to stand (after <|recommend|>), in fp32: [B,
// C]. No gradient. Prompts are cut to the model's positions. One that another of them begins with
// is read as part of it: of a dialogue those before the turns that recommend, while the state's
// window holds all turns and nothing is cut.
torch::Tensor language_hidden(const model::Weights& weights, const train::DialogueTokens& tokens,
                              const std::vector<dialogue::State>& states);

// For each prompt (token ids) the number of the one that it is read as part of: one that begins
// with it and that begins no other, which may be itself; of equal ones the last.
std::vector<std::size_t> hosts_of(const std::vector<std::vector<int>>& prompts);

// The embeddings of the item tokens in fp32: [N, C]. No gradient.
torch::Tensor item_embeddings(const model::Weights& weights, const train::DialogueTokens& tokens);

// A language model that reads each prompt once, for several rankings of the same states. It keeps
// what it has read: 4 bytes for each number of a hidden state and each token of a prompt. One
// thread at a time may use it.
class LanguageStates {
 public:
  // Both must stay as they are and outlive this. type: that it computes in.
  LanguageStates(const model::LanguageModel& model, const train::DialogueTokens& tokens,
                 torch::Dtype type);

  const model::Weights& weights() const { return weights_; }

  // As language_hidden gives them, up to rounding: a prompt is read together with others than
  // there. [B, C]
  torch::Tensor read(const std::vector<dialogue::State>& states);

 private:
  model::Weights weights_;
  const train::DialogueTokens& tokens_;
  std::map<std::vector<int>, torch::Tensor> known_;  // [C] of a prompt
};

}  // namespace recommend
