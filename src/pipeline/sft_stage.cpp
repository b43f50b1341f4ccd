#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "pipeline/stages.h"
#include "recommend/bag_term.h"
#include "recommend/model_folder.h"
#include "recommend/train_ranker.h"
#include "text/tokenizer_folder.h"
#include "train/sft.h"

namespace pipeline {
namespace {

std::vector<train::Sequence> sequences_of(const std::vector<dialogue::Dialogue>& dialogues,
                                          const train::DialogueTokens& tokens,
                                          const Recipe& recipe) {
  std::vector<train::Sequence> sequences;
  for (const dialogue::Dialogue& dialogue : dialogues)
    for (train::Sequence& sequence : train::windows(dialogue, tokens,
                                                    {.max_tokens = recipe.model.positions,
                                                    .seeker_weight = recipe.sft.seeker_weight,
                                                    .state = recipe.state}))
      sequences.push_back(std::move(sequence));
  return sequences;
}

// Item tokens start from what stands together in the training dialogues: from random ones they
// learn slowly.
void start_items_from_counts(model::Gpt2& language, const train::DialogueTokens& tokens,
                             const recommend::Counts& counts, std::uint64_t seed) {
  torch::NoGradGuard no_grad;
  const torch::Tensor rows =
      recommend::embed_by_counts(counts, static_cast<int>(language.config.n_embd), seed)
          .narrow(0, 0, counts.items());
  torch::Tensor wte = language.parameters.at("wte.weight");
  const double deviation = rows.std().item<double>();
  if (deviation > 0) wte.narrow(0, tokens.item(0), tokens.items()).copy_(rows * (.02 / deviation));
}

}  // namespace

void sft_stage(Run& run) {
  const Recipe& recipe = run.recipe();
  Run::StagePlan plan{"sft", {"model", "state", "sft", "ranker"}, {"data", "tokenizer"}, {},
                      {},    recipe.sft.checkpoint_every};
  plan.work = [&](const train::Stage& stage) {
    const Data& data = run.data();
    const train::DialogueTokens tokens(text::read_tokenizer(run.folder() / "tokenizer"),
                                       data.catalogue);
    model::Gpt2Config config;
    config.n_layer = recipe.model.layers;
    config.n_embd = recipe.model.width;
    config.n_head = recipe.model.heads;
    config.n_positions = recipe.model.positions;
    config.vocab_size = tokens.size();
    model::Gpt2 start = model::random_gpt2(config, run.seed());
    const auto training = pointers(data.train);
    const recommend::WordTable words = recommend::word_table(recipe.ranker, training);
    start_items_from_counts(start, tokens,
                            recommend::Counts(training, words, data.catalogue.size()), run.seed());
    train::SftResult result = train::train_sft(
        std::move(start), sequences_of(data.train, tokens, recipe),
        sequences_of(data.validation, tokens, recipe), recipe.sft, run.type(), stage);
    model::Gpt2Weights weights;
    {
      torch::NoGradGuard no_grad;
      weights = model::cast(result.model, run.type());
    }
    recommend::Ranker ranker =
        recommend::train_ranker(recipe.ranker, {training, recipe.state, weights, tokens, run.seed(),
                                                stage.folder / "ranker", run.console()});
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
