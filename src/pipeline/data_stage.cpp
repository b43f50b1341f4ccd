#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "corpus/check.h"
#include "corpus/read.h"
#include "corpus/split.h"
#include "corpus/statistics.h"
#include "dialogue/jsonl.h"
#include "feedback/store.h"
#include "pipeline/stages.h"
#include "simulate/words.h"

namespace pipeline {
namespace {

void write_split(const std::filesystem::path& file, const dialogue::Corpus& corpus,
                 const std::vector<int>& indices) {
  dialogue::Corpus split{corpus.catalogue, {}};
  for (int index : indices)
    split.dialogues.push_back(corpus.dialogues[static_cast<std::size_t>(index)]);
  dialogue::write_dialogues(file, split);
}

// A store is read once, and known by what was read: its file changes with every word that people
// say.
struct FromStore {
  dialogue::Corpus corpus;
  base::TemporaryFolder copy;

  explicit FromStore(const Recipe& recipe) : corpus(read_dialogues(recipe)) {
    corpus::write_corpus(copy.path(), corpus);
  }
};

std::optional<FromStore> from_store(const Recipe& recipe) {
  if (recipe.in_world() || !feedback::is_store(recipe.data.path)) return std::nullopt;
  return std::optional<FromStore>(std::in_place, recipe);
}

}  // namespace

void data_stage(Run& run) {
  const Recipe& recipe = run.recipe();
  Run::StagePlan plan;
  plan.name = "data";
  plan.parts = {"data.split"};
  const std::optional<FromStore> stored = from_store(recipe);
  if (recipe.in_world())
    plan.parts.push_back("world");
  else if (stored)
    plan.inputs.emplace_back("feedback", stored->copy.path());
  else
    plan.inputs.emplace_back("dialogues", recipe.data.path);
  for (std::size_t i = 0; i < recipe.data.knowledge.size(); ++i)
    plan.inputs.emplace_back("knowledge " + std::to_string(i + 1), recipe.data.knowledge[i]);
  if (!recipe.data.lexicon.empty()) plan.inputs.emplace_back("lexicon", recipe.data.lexicon);
  if (!recipe.data.emoji.empty()) plan.inputs.emplace_back("emoji", recipe.data.emoji);
  // The split is read with it, by every stage that comes after.
  if (!recipe.sentiment.model.empty())
    plan.inputs.emplace_back("sentiment.model", recipe.sentiment.model);
  plan.work = [&](const train::Stage& stage) {
    const dialogue::Corpus corpus = stored ? stored->corpus : read_dialogues(recipe);
    const corpus::Splits splits = corpus::split_dialogues(corpus.dialogues, recipe.data.split);
    dialogue::write_catalogue(stage.folder / "catalogue.jsonl", corpus.catalogue);
    write_split(stage.folder / "train.jsonl", corpus, splits.train);
    write_split(stage.folder / "validation.jsonl", corpus, splits.validation);
    if (!splits.test.empty()) write_split(stage.folder / "test.jsonl", corpus, splits.test);
    if (recipe.data.lexicon.empty())
      simulate::write_lexicon(stage.folder / "lexicon.txt");
    else
      base::write_file(stage.folder / "lexicon.txt", base::read_file(recipe.data.lexicon));
    if (!recipe.data.emoji.empty())
      base::write_file(stage.folder / "emoji.txt", base::read_file(recipe.data.emoji));

    const corpus::Check check = corpus::check_corpus(corpus, splits, recipe.data.split);
    base::Json statistics = {
        {"schema", base::schema("statistics", 1)},
        {"train", corpus::to_json(corpus::measure(corpus, splits.train))},
        {"validation", corpus::to_json(corpus::measure(corpus, splits.validation))},
        {"test", corpus::to_json(corpus::measure(corpus, splits.test))},
        {"dropped", base::Json::array()},
        {"overlaps", corpus::to_json(check.overlaps)},
        {"leaks", check.leaks}};
    for (const corpus::Dropped& dropped : check.dropped)
      statistics["dropped"].push_back({{"what", dropped.what}, {"count", dropped.count}});
    base::write_json(stage.folder / "statistics.json", statistics);
    for (const std::string& leak : check.leaks) run.console().line("data  leak: " + leak);
    base::RunLog(stage.folder)
        .write(1, {{"train", 1. * static_cast<double>(splits.train.size())},
                   {"validation", 1. * static_cast<double>(splits.validation.size())},
                   {"test", 1. * static_cast<double>(splits.test.size())}});
    return base::concatenate(splits.train.size(), " training, ", splits.validation.size(),
                             " validation, ", splits.test.size(), " test dialogues, ",
                             corpus.catalogue.size(), " items");
  };
  run.stage(plan);
}

}  // namespace pipeline
