#include "pipeline/recipe.h"

#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "corpus/knowledge.h"
#include "corpus/read.h"
#include "feedback/harvest.h"
#include "pipeline/check_recipe.h"
#include "simulate/play.h"

namespace pipeline {
namespace {

constexpr int kVersion = 1;

dialogue::Dropped left_out(const char* what, std::int64_t count) { return {what, count}; }

// What people said and did to a served run, of those who let it be used for training.
dialogue::Corpus read_store(const DataSettings& data) {
  feedback::HarvestOptions options;
  options.as_of = data.as_of;
  options.at = data.at.empty() ? 0 : base::parse_rfc3339(data.at).value();
  const feedback::Store store(data.path, feedback::Store::Access::read_only);
  const feedback::Harvest harvest = feedback::harvest(store, options);
  feedback::HarvestedCorpus out =
      data.catalogue.empty()
          ? feedback::to_corpus(harvest)
          : feedback::to_corpus(harvest, corpus::read_catalogue_of(data.catalogue), data.path);
  if (out.corpus.dialogues.empty())
    throw base::DataError(data.path, ": has no dialogues to learn from: ", harvest.without_consent,
                          " are without consent to training, ", harvest.flagged,
                          " may not be people's, of ", out.immature,
                          " the time is not over; `attune feedback stats` says more");
  for (const auto& dropped :
       {left_out("conversations without consent to training", harvest.without_consent),
        left_out("conversations that may not be people's", harvest.flagged),
        left_out("dialogues whose time is not over", out.immature)})
    if (dropped.count > 0) out.corpus.dropped.push_back(dropped);
  return std::move(out.corpus);
}

}  // namespace

Recipe read_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  Recipe recipe;
  const std::vector<base::Setting> settings = base::list_settings(recipe);
  const bool is_run = std::filesystem::is_directory(path);
  if (is_run && !std::filesystem::exists(path / "recipe.toml"))
    throw base::DataError(path, ": a folder without recipe.toml is no run");
  recipe.name = path.stem().string();
  base::read_settings(settings, is_run ? path / "recipe.toml" : path, "recipe", kVersion);
  if (is_run) recipe.run.folder = path.string();
  for (const std::string& assignment : overrides) base::override_setting(settings, assignment);
  base::require_schema({{"schema", recipe.schema}}, "recipe", kVersion, "the recipe");
  check_recipe(recipe);
  // A run reads them again later, from wherever it is asked to.
  for (std::string* folder : {&recipe.model.base, &recipe.sentiment.model, &recipe.relevance.model})
    if (!folder->empty()) *folder = std::filesystem::absolute(*folder).lexically_normal().string();
  return recipe;
}

dialogue::Corpus read_dialogues(const Recipe& recipe) {
  if (recipe.in_world()) return simulate::make_corpus(simulate::World(recipe.world));
  dialogue::Corpus corpus = feedback::is_store(recipe.data.path)
                                ? read_store(recipe.data)
                                : corpus::read_corpus(recipe.data.path);
  if (recipe.data.knowledge.empty()) return corpus;
  const std::vector<std::filesystem::path> folders(recipe.data.knowledge.begin(),
                                                   recipe.data.knowledge.end());
  corpus::Knowledge knowledge = corpus::with_knowledge(corpus.catalogue, folders);
  corpus.catalogue = std::move(knowledge.catalogue);
  corpus.dropped.insert(corpus.dropped.end(), knowledge.dropped.begin(), knowledge.dropped.end());
  return corpus;
}

std::string recipe_text(Recipe recipe) { return base::to_toml(base::list_settings(recipe)); }

}  // namespace pipeline
