#include "pipeline/stages.h"

namespace pipeline {

const std::vector<NamedStage>& all_stages() {
  static const std::vector<NamedStage> stages = {
      {"data", data_stage, "reads, splits and checks the dialogues"},
      {"tokenizer", tokenizer_stage, "trains the tokenizer on the training split"},
      {"sft", sft_stage, "fine-tunes the language model and trains the ranker"},
      {"signals", signals_stage, "measures what each implicit signal is worth"},
      {"reward", reward_stage, "learns the reward model and checks it"},
      {"rl", policy_stage, "improves the model against the reward by reinforcement learning"},
      {"evaluate", evaluation_stage, "evaluates every model and writes the report"}};
  return stages;
}

}  // namespace pipeline
