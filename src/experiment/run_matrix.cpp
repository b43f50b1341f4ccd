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

// Stages that a variant may take over from another one, in their order.
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

std::string key_of(const fs::path& stage) {
  return base::require<std::string>(base::read_manifest(stage), "key",
                                    (stage / "manifest.json").string());
}

// Whether a finished stage is what a run of those settings (flat) in the folder `to` would make: it
// has them, and was made from the stages that lie there.
bool is_made_alike(const fs::path& stage, const base::Json& settings, const fs::path& to) {
  const fs::path file = stage / "stage.json";
  const base::Json identity = base::read_json(file);
  const auto own = base::require<base::Json>(identity, "settings", file.string()),
             inputs = base::require<base::Json>(identity, "inputs", file.string());
  for (const auto& [path, value] : own.items())
    if (!settings.contains(path) || settings.at(path) != value) return false;
  for (const char* need : kShared) {
    if (stage.filename() == need) break;  // what follows is no stage, but a file of such a name
    if (inputs.contains(need) &&
        (!base::has_manifest(to / need) || key_of(to / need) != inputs.at(need)))
      return false;
  }
  return true;
}

void copy_stage(const fs::path& from, const fs::path& to) {
  const fs::path aside = to.string() + ".partial";
  fs::remove_all(aside);
  base::create_folder(to.parent_path());
  fs::copy(from, aside, fs::copy_options::recursive);
  base::replace_folder(aside, to);
}

bool is_of_settings(const fs::path& run, const std::string& sum) {
  return settings_sum(pipeline::read_recipe(run, {})) == sum;
}

// What other settings came to goes first: a run that is stopped on the way must not pass for done.
void do_run(const pipeline::Recipe& recipe, base::Console& console) {
  const fs::path folder = recipe.folder();
  if (base::has_manifest(folder / "evaluation") && !is_of_settings(folder, settings_sum(recipe)))
    fs::remove_all(folder / "evaluation");
  pipeline::Run run(recipe, console);
  for (const pipeline::NamedStage& stage : pipeline::all_stages()) stage.work(run);
  run.keep_recipe();  // also where the settings that changed are no stage's
}

std::string name_of(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
}

// Into `one` what `other` says of the same run; the metric of which they say otherwise.
std::optional<std::string> put_together(Outcome& one, const Outcome& other) {
  for (const auto part : {&Outcome::aligned, &Outcome::start})
    for (const auto& [metric, value] : other.*part)
      if ((one.*part).emplace(metric, value).first->second != value) return metric;
  for (const auto curve : {&Outcome::learning, &Outcome::best_of})
    if ((one.*curve).empty()) one.*curve = other.*curve;
  return std::nullopt;
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

// The variant whose run has an outcome's settings, that of the same name before others.
const Variant* variant_of(const Plan& plan, const Outcome& outcome) {
  const Variant* found = nullptr;
  for (const Variant& variant : plan.variants)
    if (settings_sum(plan, variant, outcome.seed) == outcome.settings)
      if (!found || variant.name == outcome.variant) found = &variant;
  return found;
}

}  // namespace

std::string settings_sum(pipeline::Recipe recipe) {
  const pipeline::RunSettings run = recipe.run;
  recipe.run = {};
  recipe.run.seed = run.seed;
  recipe.run.compute = run.compute;
  recipe.run.kernels = run.kernels;
  for (std::string* path :
       {&recipe.data.path, &recipe.data.test, &recipe.data.lexicon, &recipe.data.emoji,
        &recipe.tokenizer.folder, &recipe.model.base, &recipe.sentiment.model,
        &recipe.relevance.model, &recipe.rl.preferences})
    *path = name_of(*path);
  for (std::string& path : recipe.data.knowledge) path = name_of(path);
  pipeline::Recipe defaults;
  const base::Json usual = base::to_json(base::list_settings(defaults));
  base::Json own = base::Json::object();
  const base::Json all = base::to_json(base::list_settings(recipe));
  for (const auto& [path, value] : all.items())
    if (value != usual.at(path)) own[path] = value;
  return base::sha256(own.dump());
}

std::string settings_sum(const Plan& plan, const Variant& variant, int seed) {
  return settings_sum(recipe_of(plan, variant, seed, ""));
}

void take_over_stages(const std::vector<fs::path>& runs, const pipeline::Recipe& recipe) {
  pipeline::Recipe copy = recipe;
  const base::Json settings = base::to_json(base::list_settings(copy));
  const fs::path to = recipe.folder();
  for (const char* stage : kShared)
    for (const fs::path& from : runs) {
      if (fs::exists(to / stage)) break;
      if (base::has_manifest(from / stage) && is_made_alike(from / stage, settings, to))
        copy_stage(from / stage, to / stage);
    }
}

std::vector<Outcome> outcomes_made(const Plan& plan, const std::vector<fs::path>& files,
                                   base::Console& console) {
  std::vector<Outcome> made;
  std::vector<fs::path> origins;  // of each
  for (const fs::path& file : files) {
    std::size_t others = 0;
    for (Outcome& outcome : read_outcomes(file)) {
      const Variant* variant = variant_of(plan, outcome);
      if (!variant) {
        ++others;
        continue;
      }
      outcome.variant = variant->name;
      const auto same = std::find_if(made.begin(), made.end(), [&](const Outcome& one) {
        return one.variant == outcome.variant && one.seed == outcome.seed;
      });
      if (same == made.end()) {
        made.push_back(std::move(outcome));
        origins.push_back(file);
      } else if (const auto metric = put_together(*same, outcome)) {
        throw base::DataError(origins[static_cast<std::size_t>(same - made.begin())].string(),
                              " and ", file.string(),
                              " have different numbers of one run: ", outcome.variant, ", seed ",
                              outcome.seed, ", ", *metric, "; leave one of them out");
      }
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

std::optional<Outcome> read_outcome(const Plan& plan, const fs::path& run, const Variant& variant,
                                    int seed) {
  const fs::path file = run / "report.json";
  if (!base::has_manifest(run / "evaluation") || !fs::exists(file)) return std::nullopt;
  const std::string sum = settings_sum(plan, variant, seed);
  if (!is_of_settings(run, sum)) return std::nullopt;
  const base::Json report = base::read_json(file);
  Outcome outcome{variant.name, seed, {}, {}};
  outcome.settings = sum;
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
  if (plan.draws(variant.name)) {
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
  const auto keep = [&] {
    base::create_folder(options.folder);
    write_outcomes(options.folder / "outcomes.json", outcomes);
  };
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
        const pipeline::Recipe recipe = recipe_of(plan, variant, seed, folder);
        std::vector<fs::path> others;
        for (const Variant& other : plan.variants)
          if (other.name != variant.name)
            others.push_back(run_folder(options.folder, other.name, seed));
        take_over_stages(others, recipe);
        do_run(recipe, console);
      }
      if (auto outcome = read_outcome(plan, folder, variant, seed)) {
        outcomes.push_back(std::move(*outcome));
        keep();
      }
    }
  if (!outcomes.empty()) keep();
  return outcomes;
}

}  // namespace experiment
