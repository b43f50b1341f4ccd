#include "experiment/run_matrix.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/manifest.h"
#include "base/settings.h"
#include "experiment/outcomes.h"
#include "pipeline/stages.h"

namespace experiment {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kSeed = "{seed}";  // in a setting: the run's seed

// Stages that a variant may take over from another one: where its settings differ, it does them
// anew.
constexpr const char* kShared[] = {"data", "tokenizer", "sft", "signals", "reward"};

pipeline::Recipe recipe_of(const Plan& plan, const Variant& variant, int seed,
                           const fs::path& folder) {
  std::vector<std::string> overrides = plan.experiment.settings;
  overrides.insert(overrides.end(), variant.settings.begin(), variant.settings.end());
  for (std::string& text : overrides)
    for (std::size_t at = 0; (at = text.find(kSeed, at)) != std::string::npos;)
      text.replace(at, kSeed.size(), std::to_string(seed));
  overrides.push_back("run.seed=" + std::to_string(seed));
  overrides.push_back("run.folder=" + folder.string());
  overrides.push_back("run.redo=true");
  try {
    return pipeline::read_recipe(plan.recipe, overrides);
  } catch (const base::UsageError& error) {
    throw base::UsageError("variant ", variant.name, ": ", error.what());
  }
}

// Whole stages of one run into the folder of another that has none of them.
void take_over(const fs::path& from, const fs::path& to) {
  for (const char* stage : kShared) {
    if (!base::has_manifest(from / stage) || fs::exists(to / stage)) continue;
    const fs::path aside = to / (std::string(stage) + ".partial");
    fs::remove_all(aside);
    base::create_folder(to);
    fs::copy(from / stage, aside, fs::copy_options::recursive);
    base::replace_folder(aside, to / stage);
  }
}

void do_run(const pipeline::Recipe& recipe, base::Console& console) {
  pipeline::Run run(recipe, console);
  for (const pipeline::NamedStage& stage : pipeline::all_stages()) stage.work(run);
}

// The number at PART, METRIC of one of a report's models.
std::optional<double> reported(const base::Json& model, const Metric& metric) {
  const auto part = model.at("scores").find(metric.part);
  if (part == model.at("scores").end() || !part->is_object()) return std::nullopt;
  const auto value = part->find(metric.name);
  if (value == part->end() || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

// Of the rl stage: "seconds"; else the mean over the last quarter of its iterations of "kl",
// "item_kl" or any number of metrics.jsonl.
std::optional<double> of_training(const fs::path& folder, const std::string& name) {
  if (name == "seconds") {
    const base::Json about = base::read_manifest(folder);
    return base::optional<double>(about, "seconds", (folder / "manifest.json").string());
  }
  const std::string key = name == "kl" ? "objective/kl" : name == "item_kl" ? "item/kl" : name;
  std::vector<double> values;
  const fs::path file = folder / "metrics.jsonl";
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(file.string(), ":", line);
    const base::Json json = base::parse_json(std::string(text), where);
    if (const auto value = json.find(key); value != json.end() && value->is_number())
      values.push_back(value->get<double>());
  });
  if (values.empty()) return std::nullopt;
  const std::size_t last = std::max<std::size_t>(values.size() / 4, 1);
  double sum = 0;
  for (std::size_t i = values.size() - last; i < values.size(); ++i) sum += values[i];
  return sum / static_cast<double>(last);
}

const Outcome* find(const std::vector<Outcome>& outcomes, const std::string& variant, int seed) {
  const auto found = std::find_if(outcomes.begin(), outcomes.end(), [&](const Outcome& one) {
    return one.variant == variant && one.seed == seed;
  });
  return found == outcomes.end() ? nullptr : &*found;
}

}  // namespace

std::string settings_sum(const Plan& plan, const Variant& variant, int seed) {
  pipeline::Recipe recipe = recipe_of(plan, variant, seed, "");
  const std::string compute = recipe.run.compute;
  recipe.run = {};
  recipe.run.seed = seed;
  recipe.run.compute = compute;
  // Data sets are told by their names: they lie elsewhere on every machine.
  for (std::string* path : {&recipe.data.path, &recipe.data.test, &recipe.data.lexicon})
    *path = fs::path(*path).filename().string();
  for (std::string& path : recipe.data.knowledge) path = fs::path(path).filename().string();
  pipeline::Recipe defaults;
  const base::Json usual = base::to_json(base::list_settings(defaults));
  base::Json own = base::Json::object();
  const base::Json all = base::to_json(base::list_settings(recipe));
  for (const auto& [path, value] : all.items())
    if (value != usual.at(path)) own[path] = value;
  return base::sha256(own.dump());
}

std::vector<Outcome> outcomes_made(const Plan& plan, const std::vector<fs::path>& files,
                                   base::Console& console) {
  std::vector<Outcome> made;
  for (const fs::path& file : files) {
    std::size_t others = 0;
    for (Outcome& outcome : read_outcomes(file)) {
      const auto variant =
          std::find_if(plan.variants.begin(), plan.variants.end(), [&](const Variant& candidate) {
            return settings_sum(plan, candidate, outcome.seed) == outcome.settings;
          });
      if (variant == plan.variants.end()) {
        ++others;
        continue;
      }
      outcome.variant = variant->name;
      made.push_back(std::move(outcome));
    }
    if (others > 0)
      console.line(base::concatenate("experiment  ", file.string(), ": left out ", others,
                                     " outcomes of other settings"));
  }
  return made;
}

fs::path run_folder(const fs::path& folder, const std::string& variant, int seed) {
  return folder / "runs" / (variant + "-" + std::to_string(seed));
}

void check_variants(const Plan& plan) {
  for (const Variant& variant : plan.variants)
    recipe_of(plan, variant, plan.experiment.seeds[0], "unused");
}

std::optional<Outcome> read_outcome(const Plan& plan, const fs::path& run,
                                    const std::string& variant, int seed) {
  const fs::path file = run / "report.json";
  if (!base::has_manifest(run / "evaluation") || !fs::exists(file)) return std::nullopt;
  const base::Json report = base::read_json(file);
  Outcome outcome{variant, seed, {}, {}};
  for (const base::Json& model : base::require<base::Json>(report, "models", file.string())) {
    const std::string name = base::require<std::string>(model, "name", file.string());
    if (name != "sft" && name != "ppo") continue;
    auto& values = name == "sft" ? outcome.start : outcome.aligned;
    for (const Metric& metric : plan.metrics)
      if (const auto value = reported(model, metric)) values[metric.title()] = *value;
  }
  for (const Metric& metric : plan.metrics)
    if (metric.part == "rl")
      if (const auto value = of_training(run / "policy", metric.name))
        outcome.aligned[metric.title()] = *value;
  if (plan.draws(variant)) {
    outcome.learning = learning_curve(run / "policy");
    outcome.best_of = best_of_curve(run);
  }
  return outcome;
}

std::vector<Outcome> run_matrix(const Plan& plan, const MatrixOptions& options,
                                base::Console& console) {
  check_variants(plan);
  const auto start = Clock::now();
  const auto out_of_time = [&] {
    const std::chrono::duration<double> spent = Clock::now() - start;
    return options.minutes > 0 && spent.count() > 60 * options.minutes;
  };
  const auto is_wanted = [&](int seed) {
    return options.seeds.empty() ||
           std::find(options.seeds.begin(), options.seeds.end(), seed) != options.seeds.end();
  };
  std::vector<Outcome> outcomes;
  std::size_t number = 0;
  const std::size_t all = plan.experiment.seeds.size() * plan.variants.size();
  for (const int seed : plan.experiment.seeds)
    for (const Variant& variant : plan.variants) {
      const fs::path folder = run_folder(options.folder, variant.name, seed);
      ++number;
      if (const Outcome* outcome = find(options.made, variant.name, seed)) {
        outcomes.push_back(*outcome);
        continue;
      }
      if (!out_of_time() && is_wanted(seed)) {
        console.line(base::concatenate("experiment  run ", number, " of ", all, ": ", variant.name,
                                       ", seed ", seed));
        for (const Variant& earlier : plan.variants)
          if (earlier.name != variant.name)
            take_over(run_folder(options.folder, earlier.name, seed), folder);
        do_run(recipe_of(plan, variant, seed, folder), console);
      }
      if (auto outcome = read_outcome(plan, folder, variant.name, seed)) {
        outcome->settings = settings_sum(plan, variant, seed);
        outcomes.push_back(std::move(*outcome));
        base::create_folder(options.folder);
        write_outcomes(options.folder / "outcomes.json", outcomes);
      }
    }
  return outcomes;
}

}  // namespace experiment
