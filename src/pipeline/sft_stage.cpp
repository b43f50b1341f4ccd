#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "pipeline/stages.h"
#include "pipeline/start_model.h"
#include "recommend/model_folder.h"
#include "recommend/train_ranker.h"
#include "text/tokenizer_folder.h"
#include "train/sft.h"

namespace pipeline {
namespace {

std::vector<train::Sequence> sequences_of(const std::vector<dialogue::Dialogue>& dialogues,
                                          const train::DialogueTokens& tokens, const Recipe& recipe,
                                          int context) {
  std::vector<train::Sequence> sequences;
  for (const dialogue::Dialogue& dialogue : dialogues)
    for (train::Sequence& sequence : train::windows(dialogue, tokens,
                                                    {.max_tokens = context,
                                                    .seeker_weight = recipe.sft.seeker_weight,
                                                    .state = recipe.state}))
      sequences.push_back(std::move(sequence));
  return sequences;
}

}  // namespace

void sft_stage(Run& run) {
  const Recipe& recipe = run.recipe();
  Run::StagePlan plan{"sft",
                      {"state", "sft", "ranker", "model.positions", "model.lora"},
                      {"data", "tokenizer"},
                      {},
                      {},
                      recipe.sft.checkpoint_every};
  if (recipe.model.base.empty())
    plan.parts.insert(plan.parts.end(), {"model.layers", "model.width", "model.heads"});
  else
    plan.inputs.emplace_back("model.base", recipe.model.base);
  plan.work = [&](const train::Stage& stage) {
    const Data& data = run.data();
    const train::DialogueTokens tokens(text::read_tokenizer(run.folder() / "tokenizer"),
                                       data.catalogue);
    const auto training = pointers(data.train);
    const recommend::WordTable words =
        recommend::word_table(recipe.ranker, training, recommend::Entities(data.catalogue));
    model::LanguageModel start =
        start_model(recipe.model, tokens, data.catalogue,
                    recommend::Counts(training, words, data.catalogue.size()), run.seed());
    const auto context = static_cast<int>(start.config.context);
    train::SftResult result =
        train::train_sft(start.on(run.device()), sequences_of(data.train, tokens, recipe, context),
                         sequences_of(data.validation, tokens, recipe, context), recipe.sft,
                         run.device_type(), stage);
    model::Weights weights;
    {
      torch::NoGradGuard no_grad;
      weights = model::cast(result.model, run.device_type());
    }
    const auto timer = stage.profile->time("ranker");
    recommend::Ranker ranker = recommend::train_ranker(
        recipe.ranker, {data.catalogue, training, pointers(data.validation), recipe.state, weights,
                        tokens, run.seed(), stage.folder / "ranker", run.console()});
    const recommend::TrainedModel trained{data.catalogue, recipe.state, tokens,
                                          std::move(result.model), std::move(ranker)};
    recommend::write_trained(stage.folder, trained);
    return base::concatenate(result.steps, " steps, best after epoch ", result.best_epoch,
                             ", perplexity of the words ",
                             base::fixed(std::exp(result.validation.words), 1), "; weights ",
                             trained.hash().substr(0, 12));
  };
  run.stage(plan);
}

}  // namespace pipeline
