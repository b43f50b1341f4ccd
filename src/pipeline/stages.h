#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/run.h"

namespace pipeline {

// The stages of a run, in their order. Each reads the folders of those before it, fills its own,
// skips itself where nothing has changed and goes on from where it was stopped.
void data_stage(Run& run);        // data/: catalogue, splits, lexicon, statistics
void tokenizer_stage(Run& run);   // tokenizer/: trained on the training split, or taken over
void sft_stage(Run& run);         // sft/model, sft/ranker
void signals_stage(Run& run);     // signals/: what each implicit signal is worth
void reward_stage(Run& run);      // reward/: reader, R_phi, its validation
void policy_stage(Run& run);      // policy/model, policy/ranker
void evaluation_stage(Run& run);  // evaluation/, report.html, report.json

struct NamedStage {
  const char* name;  // the command
  void (*work)(Run&);
  const char* help;
};
const std::vector<NamedStage>& all_stages();

// Evaluates every model of a finished run on other dialogues and writes the evaluation and its
// report into `out`.
void evaluate_elsewhere(Run& run, const std::filesystem::path& test,
                        const std::filesystem::path& out);

}  // namespace pipeline
