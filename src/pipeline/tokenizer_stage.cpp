#include "base/error.h"
#include "base/run_log.h"
#include "pipeline/stages.h"
#include "text/tokenizer_folder.h"
#include "text/tokenizer_trainer.h"

namespace pipeline {
namespace {

// The words of a turn as models see them: what stands between the items.
void add_texts(const dialogue::Turn& turn, std::vector<std::string>& texts) {
  for (const dialogue::Piece& piece : dialogue::render_words(turn, dialogue::Piece::Part::context))
    if (piece.kind == dialogue::Piece::Kind::words) texts.push_back(piece.words);
}

}  // namespace

void tokenizer_stage(Run& run) {
  const TokenizerSettings& settings = run.recipe().tokenizer;
  const std::string& folder = run.recipe().tokenizer_folder();
  Run::StagePlan plan{"tokenizer", {"tokenizer.vocabulary"}, {"data"}, {}, {}};
  if (!folder.empty()) plan.inputs.emplace_back("tokenizer", folder);
  plan.work = [&](const train::Stage& stage) {
    if (!folder.empty()) {
      const text::Tokenizer tokenizer = text::read_tokenizer(folder);
      text::write_tokenizer(stage.folder, tokenizer);
      base::RunLog(stage.folder).write(1, {{"vocabulary", 1. * tokenizer.size()}});
      return base::concatenate(tokenizer.size(), " tokens from ", folder);
    }
    std::vector<std::string> texts;
    for (const dialogue::Dialogue& dialogue : run.data().train)
      for (const dialogue::Turn& turn : dialogue.turns) add_texts(turn, texts);
    const text::Tokenizer tokenizer =
        text::train_tokenizer(texts, {.vocabulary_size = settings.vocabulary});
    text::write_tokenizer(stage.folder, tokenizer);
    base::RunLog(stage.folder)
        .write(1, {{"vocabulary", 1. * tokenizer.size()},
                   {"texts", 1. * static_cast<double>(texts.size())}});
    return base::concatenate(tokenizer.size(), " tokens, trained on ", texts.size(), " texts");
  };
  run.stage(plan);
}

}  // namespace pipeline
