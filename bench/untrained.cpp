#include "untrained.h"

#include "corpus/knowledge.h"
#include "corpus/read.h"
#include "recommend/train_ranker.h"
#include "text/tokenizer_trainer.h"

namespace bench {

std::optional<dialogue::Corpus> redial_with_knowledge(const Options& options) {
  const std::filesystem::path data = options.data;
  if (!std::filesystem::exists(data / "redial")) return std::nullopt;
  dialogue::Corpus corpus = corpus::read_corpus(data / "redial");
  std::vector<std::filesystem::path> knowledge;
  for (const char* folder : {"ievalm_redial", "unicrs_redial", "kgsf_redial"})
    if (std::filesystem::exists(data / "crs_splits" / folder))
      knowledge.push_back(data / "crs_splits" / folder);
  if (!knowledge.empty())
    corpus.catalogue = corpus::with_knowledge(corpus.catalogue, knowledge).catalogue;
  return corpus;
}

recommend::TrainedModel untrained(const dialogue::Corpus& corpus, const ModelSize& size) {
  std::vector<const dialogue::Dialogue*> dialogues;
  std::vector<std::string> texts;
  for (const dialogue::Dialogue& dialogue : corpus.dialogues) {
    dialogues.push_back(&dialogue);
    for (const dialogue::Turn& turn : dialogue.turns) texts.push_back(turn.text);
  }
  recommend::RankerSettings settings;
  settings.max_word_share = .25;
  recommend::Entities entities(corpus.catalogue);
  recommend::WordTable words = word_table(settings, dialogues, entities);
  const auto examples = rank_examples(dialogues, words, entities, {});
  recommend::Counts counts(dialogues, words, corpus.catalogue.size());
  recommend::Neighbours neighbours(examples, words.size());
  const train::DialogueTokens tokens(text::train_tokenizer(texts, {.vocabulary_size = 8000}),
                                     corpus.catalogue);
  return {corpus.catalogue,
          {},
          tokens,
          model::random_model(
              model::gpt2_config(size.layers, size.heads, size.width, 512, tokens.size()), 1),
          recommend::Ranker(settings,
                            make_tables(std::move(words), std::move(entities), std::move(counts),
                                        std::move(neighbours), corpus.catalogue),
                            size.width, 1)};
}

}  // namespace bench
