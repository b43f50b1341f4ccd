#include "pipeline/estimate.h"

#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "corpus/split.h"
#include "dialogue/markup.h"
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
  const double layers = recipe.model.layers, width = recipe.model.width,
               items = corpus.catalogue.size();
  const double text = recipe.tokenizer.folder.empty()
                          ? recipe.tokenizer.vocabulary
                          : text::read_tokenizer(recipe.tokenizer.folder).size();
  const double vocabulary = text + dialogue::kSpecialCount + items;
  const double weights =
      vocabulary * width + recipe.model.positions * width + 12 * layers * width * width;
  const double states = 16 * weights,  // weights, gradients and two moments in fp32
      activations = 40 * width * layers * recipe.sft.batch_tokens * 2;
  const double words = recommend::word_table(recipe.ranker, training).size();
  const double counts = 3 * 4 * (items + words) * items;  // co-occurrences, dense for a moment
  const double rankings = 4. * 8 * recipe.rl.item_states * items;
  const double steps = std::ceil(tokens / recipe.sft.batch_tokens);
  return {
      base::concatenate("data: ", splits.train.size(), " training, ", splits.validation.size(),
                        " validation, ", splits.test.size(), " test dialogues; ", items, " items"),
      base::concatenate("model: ", base::fixed(weights / 1e6, 1), " million weights (",
                        base::fixed(vocabulary, 0), " tokens, ", recipe.model.layers,
                        " layers, width ", recipe.model.width, ")"),
      base::concatenate("sft: about ", base::fixed(steps * recipe.sft.epochs, 0), " steps of ",
                        recipe.sft.batch_tokens, " tokens, ", recipe.sft.epochs,
                        " epochs at most; about ", megabytes(states + activations)),
      base::concatenate("ranker: ", recipe.ranker.epochs, " epochs; about ",
                        megabytes(states + counts)),
      base::concatenate("reward: ", recipe.reward.predictor.members, " predictors of at most ",
                        recipe.reward.predictor.epochs, " epochs; about ", megabytes(counts)),
      base::concatenate("rl: ", recipe.rl.iterations, " iterations of ", recipe.rl.batch,
                        " replies and ", recipe.rl.epochs, " epochs, ",
                        recipe.rl.iterations * recipe.rl.item_steps, " item-slot steps of ",
                        recipe.rl.item_states, " contexts; about ",
                        megabytes(states + 12 * weights + activations + rankings)),
      base::concatenate("run folder: ", recipe.folder().string())};
}

}  // namespace pipeline
