#include "pipeline/estimate.h"

#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "corpus/split.h"
#include "dialogue/markup.h"
#include "model/folder.h"
#include "pipeline/memory.h"
#include "text/tokenizer_folder.h"

namespace pipeline {
namespace {

// Bytes of text that a token stands for, and tokens of markup a turn: near ReDial's with 8,000
// tokens, on the safe side for smaller vocabularies.
constexpr double kBytesPerToken = 4.2, kMarkup = 3.2;

double tokens_of(const dialogue::Dialogue& dialogue) {
  double bytes = 0;
  for (const dialogue::Turn& turn : dialogue.turns) {
    bytes += static_cast<double>(turn.text.size());
    for (const dialogue::Mention& mention : turn.mentions)
      bytes -= static_cast<double>(mention.end - mention.begin);
  }
  return bytes / kBytesPerToken + kMarkup * static_cast<double>(dialogue.turns.size());
}

constexpr double kSlots = 64;  // replies side by side

model::ModelConfig config_of(const ModelSettings& settings, double vocabulary) {
  if (settings.base.empty())
    return model::gpt2_config(settings.layers, settings.heads, settings.width, settings.positions,
                              static_cast<std::int64_t>(vocabulary));
  const std::filesystem::path file = model::whole_model(settings.base) / "config.json";
  return model::parse_config(base::read_json(file), file.string());
}

std::string megabytes(double bytes) { return base::fixed(bytes / 1e6, 0) + " MB"; }

}  // namespace

std::vector<std::string> estimate(const Recipe& recipe) {
  const dialogue::Corpus corpus = read_dialogues(recipe);
  const corpus::Splits splits = corpus::split_dialogues(corpus.dialogues, recipe.data.split);
  double tokens = 0;
  std::vector<const dialogue::Dialogue*> training;
  for (int i : splits.train) {
    training.push_back(&corpus.dialogues[static_cast<std::size_t>(i)]);
    tokens += tokens_of(*training.back());
  }
  const double items = corpus.catalogue.size();
  const double text = recipe.tokenizer_folder().empty()
                          ? recipe.tokenizer.vocabulary
                          : text::read_tokenizer(recipe.tokenizer_folder()).size();
  const double added = dialogue::kSpecialCount + items;
  const model::ModelConfig config = config_of(recipe.model, text + added);
  const ModelSize size = size_of(config, recipe.model.lora, text + added, added);
  const double context =
      static_cast<double>(std::min<std::int64_t>(config.positions, recipe.model.positions));
  const double words =
      recommend::word_table(recipe.ranker, training, recommend::Entities(corpus.catalogue)).size();
  const double counts = 3 * 4 * (items + words) * items;  // co-occurrences, dense for a moment
  const double rankings = 4. * 8 * recipe.rl.item_states * items;
  const double steps = std::ceil(tokens / recipe.sft.batch_tokens);
  return {
      base::concatenate("data: ", splits.train.size(), " training, ", splits.validation.size(),
                        " validation, ", splits.test.size(), " test dialogues; ", items, " items"),
      base::concatenate("model: ", model::family_name(config.family), ", ",
                        base::fixed(size.weights / 1e6, 1), " million weights, ",
                        base::fixed(size.trained / 1e6, 1), " million trained (",
                        base::fixed(text + added, 0), " tokens, ", config.layers, " layers, width ",
                        config.width, ")"),
      base::concatenate("sft: about ", base::fixed(steps * recipe.sft.epochs, 0), " steps of ",
                        recipe.sft.batch_tokens, " tokens, ", recipe.sft.epochs,
                        " epochs at most; about ",
                        megabytes(sft_memory(size, recipe.sft.batch_tokens))),
      base::concatenate("ranker: ", recipe.ranker.epochs, " epochs; about ",
                        megabytes(serving_memory(size, 0, 0) + counts)),
      base::concatenate(
          "reward: ", recipe.reward.predictor.members, " predictors of at most ",
          recipe.reward.predictor.epochs, " epochs; about ",
          megabytes(counts + (recipe.reward.words == "language_model"
                                  ? scorer_memory(size, recipe.reward.language.batch_tokens)
                                  : serving_memory(size, kSlots, context)))),
      base::concatenate(
          "rl: ", recipe.rl.iterations, " iterations of ", recipe.rl.batch, " replies and ",
          recipe.rl.epochs, " epochs, ", recipe.rl.iterations * recipe.rl.item_steps,
          " item-slot steps of ", recipe.rl.item_states, " contexts; about ",
          megabytes(rl_memory(size, recipe.rl.batch, recipe.rl.minibatch, context) + rankings +
                    (recipe.rl.critic == "apart" ? critic_memory(size, recipe.rl.minibatch, context)
                                                 : 0) +
                    (recipe.reward.words == "language_model" ? serving_memory(size, 0, 0) : 0))),
      base::concatenate("run folder: ", recipe.folder().string())};
}

}  // namespace pipeline
