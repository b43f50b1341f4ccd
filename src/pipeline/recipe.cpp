#include "pipeline/recipe.h"

#include "base/error.h"
#include "base/settings.h"
#include "corpus/knowledge.h"
#include "corpus/read.h"
#include "simulate/play.h"

namespace pipeline {
namespace {

constexpr int kVersion = 1;

void check(const Recipe& recipe) {
  base::require_schema({{"schema", recipe.schema}}, "recipe", kVersion, "the recipe");
  if (recipe.model.lora.rank < 0) throw base::UsageError("model.lora.rank is below 0");
  if (recipe.model.lora.rank > 0 && recipe.model.base.empty())
    throw base::UsageError("model.lora.rank needs a model.base to be trained beside");
  if (recipe.model.width < 1 || recipe.model.heads < 1 ||
      recipe.model.width % recipe.model.heads != 0)
    throw base::UsageError("model.width is ", recipe.model.width,
                           ", which is no multiple of model.heads, ", recipe.model.heads);
  if (recipe.model.width / recipe.model.heads > 256)
    throw base::UsageError("attention heads of width ", recipe.model.width / recipe.model.heads,
                           "; at most 256 work");
  if (recipe.model.layers < 1 || recipe.model.positions < 16)
    throw base::UsageError("model.layers must be at least 1, model.positions at least 16");
  if (recipe.rl.max_tokens + 8 >= recipe.model.positions ||
      recipe.evaluation.max_tokens + 8 >= recipe.model.positions)
    throw base::UsageError(
        "rl.max_tokens and evaluation.max_tokens must leave room for a prompt in model.positions, ",
        recipe.model.positions);
  const auto at_least = [](const char* name, double value, double least) {
    if (!(value >= least))
      throw base::UsageError(name, " is ", value, ", expected at least ", least);
  };
  const auto above_zero = [](const char* name, double value) {
    if (!(value > 0)) throw base::UsageError(name, " is ", value, ", expected more than 0");
  };
  for (const auto& [name, value] :
       {std::pair{"state.window", recipe.state.window},
        {"sft.epochs", recipe.sft.epochs},
        {"sft.batch_tokens", recipe.sft.batch_tokens},
        {"sft.patience", recipe.sft.patience},
        {"sft.checkpoint_every", recipe.sft.checkpoint_every},
        {"ranker.epochs", recipe.ranker.epochs},
        {"ranker.batch", recipe.ranker.batch},
        {"ranker.bag.width", recipe.ranker.bag.width},
        {"signals.resamples", recipe.signals.resamples},
        {"reward.predictor.members", recipe.reward.predictor.members},
        {"reward.predictor.width", recipe.reward.predictor.width},
        {"reward.predictor.epochs", recipe.reward.predictor.epochs},
        {"reward.language.epochs", recipe.reward.language.epochs},
        {"reward.language.batch_tokens", recipe.reward.language.batch_tokens},
        {"reward.language.replies", recipe.reward.language.replies},
        {"rl.iterations", recipe.rl.iterations},
        {"rl.epochs", recipe.rl.epochs},
        {"rl.minibatch", recipe.rl.minibatch},
        {"rl.max_tokens", recipe.rl.max_tokens},
        {"rl.item_states", recipe.rl.item_states},
        {"rl.checkpoint_every", recipe.rl.checkpoint_every},
        {"rl.gold_every", recipe.rl.gold_every},
        {"evaluation.resamples", recipe.evaluation.resamples},
        {"evaluation.world_episodes", recipe.evaluation.world_episodes},
        {"evaluation.max_tokens", recipe.evaluation.max_tokens}})
    at_least(name, value, 1);
  at_least("rl.batch", recipe.rl.batch, 2);
  at_least("rl.item_steps", recipe.rl.item_steps, 0);
  at_least("evaluation.responses", recipe.evaluation.responses, 0);
  at_least("evaluation.form_turns", recipe.evaluation.form_turns, 0);
  at_least("evaluation.temperature", recipe.evaluation.temperature, 0);
  above_zero("rl.temperature", recipe.rl.temperature);
  above_zero("rl.kl_horizon", recipe.rl.kl_horizon);
  above_zero("rl.item_kl_horizon", recipe.rl.item_kl_horizon);
  rl::check_algorithm(recipe.rl);
  for (const auto& [name, value] : {std::pair{"sft.dropout", recipe.sft.dropout},
                                    {"ranker.bag.dropout", recipe.ranker.bag.dropout},
                                    {"model.lora.dropout", recipe.model.lora.dropout},
                                    {"reward.predictor.dropout", recipe.reward.predictor.dropout}})
    if (!(value >= 0 && value < 1))
      throw base::UsageError(name, " is ", value, ", expected 0 to below 1");
  if (recipe.rl.reward != "learned" && recipe.rl.reward != "shuffled" &&
      recipe.rl.reward != "length")
    throw base::UsageError("rl.reward is \"", recipe.rl.reward,
                           "\", expected learned, shuffled or length");
  if (recipe.rl.gate != "warn" && recipe.rl.gate != "refuse")
    throw base::UsageError("rl.gate is \"", recipe.rl.gate, "\", expected warn or refuse");
  if (recipe.reward.target != "liked" && recipe.reward.target != "useful" &&
      recipe.reward.target != "blend")
    throw base::UsageError("reward.target is \"", recipe.reward.target,
                           "\", expected liked, useful or blend");
  if (recipe.reward.words != "ngrams" && recipe.reward.words != "language_model")
    throw base::UsageError("reward.words is \"", recipe.reward.words,
                           "\", expected ngrams or language_model");
  if (!recipe.in_world() && recipe.data.lexicon.empty() && recipe.sentiment.model.empty())
    throw base::UsageError(
        "data.lexicon must name a VADER lexicon file, or sentiment.model a classifier: sentiment "
        "is "
        "read with it");
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
  check(recipe);
  // A run reads them again later, from wherever it is asked to.
  for (std::string* folder : {&recipe.model.base, &recipe.sentiment.model, &recipe.relevance.model})
    if (!folder->empty()) *folder = std::filesystem::absolute(*folder).lexically_normal().string();
  return recipe;
}

dialogue::Corpus read_dialogues(const Recipe& recipe) {
  if (recipe.in_world()) return simulate::make_corpus(simulate::World(recipe.world));
  dialogue::Corpus corpus = corpus::read_corpus(recipe.data.path);
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
