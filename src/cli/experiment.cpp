#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "experiment/results_page.h"
#include "experiment/run_matrix.h"
#include "experiment/small_tasks.h"
#include "experiment/toy.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

// A path, or the name of one of those that come with attune.
fs::path find_experiment(const std::string& name) {
  if (fs::exists(name)) return name;
  const fs::path beside = fs::path("recipes") / "experiments" / (name + ".toml");
  if (fs::exists(beside)) return beside;
  throw base::DataError(name, ": no such file, nor ", beside.string());
}

void print_plan(const experiment::Plan& plan, const experiment::MatrixOptions& options) {
  const auto& [folder, minutes, seeds, made] = options;
  std::size_t left = 0;
  for (const int seed : seeds.empty() ? plan.experiment.seeds : seeds)
    for (const experiment::Variant& variant : plan.variants) {
      const fs::path run = experiment::run_folder(folder, variant.name, seed);
      const bool done =
          experiment::read_outcome(plan, run, variant, seed) ||
          std::any_of(made.begin(), made.end(), [&](const experiment::Outcome& outcome) {
            return outcome.variant == variant.name && outcome.seed == seed;
          });
      left += !done;
      std::cout << run.string() << "  " << (done ? "done" : "to do") << "\n";
    }
  std::cout << left << " runs of " << plan.recipe.string() << " to do\n";
}

std::vector<int> read_seeds(const std::vector<std::string>& given, const experiment::Plan& plan) {
  std::vector<int> seeds;
  for (const std::string& text : given) {
    const auto seed = std::find_if(plan.experiment.seeds.begin(), plan.experiment.seeds.end(),
                                   [&](int one) { return std::to_string(one) == text; });
    if (seed == plan.experiment.seeds.end())
      throw base::UsageError("--seed is ", text, ", which is no seed of this experiment");
    seeds.push_back(*seed);
  }
  return seeds;
}

int run_experiment(const Command& self, const std::vector<std::string>& given) {
  std::string name, out;
  std::vector<std::string> from, seeds;
  int minutes = 0;
  bool small = false, dry_run = false;
  Arguments arguments(self);
  arguments.positional(
      "NAME", name,
      "an experiment's file (TOML), the name of one in recipes/experiments, or toy or small-tasks: "
      "the algorithms on tasks with known answers");
  arguments.option("--out", out, "where runs and results are kept; runs/experiments/NAME without");
  arguments.option("--minutes", minutes,
                   "begin no further run after this long; the same command goes on. 0: no bound");
  arguments.option("--from", from,
                   "outcomes.json of runs made elsewhere: those of the same settings are not made "
                   "again; may be given several times");
  arguments.option("--seed", seeds,
                   "make the runs of this seed only; may be given several times. Runs made side by "
                   "side, each in a folder of its own, are put together by --from");
  arguments.flag("--small", small,
                 "a small version of it, in minutes, to see that all of it works");
  arguments.flag("--dry-run", dry_run, "check the variants and list the runs; do nothing");
  arguments.parse(given);
  if (minutes < 0) throw base::UsageError("--minutes is ", minutes, ", expected 0 or more");
  const bool is_toy = name == "toy", is_built_in = is_toy || name == "small-tasks";
  const fs::path file = is_built_in ? fs::path(name) : find_experiment(name);
  const std::string in_runs = file.stem().string() + (small ? "-small" : "");
  const fs::path folder = out.empty() ? fs::path("runs") / "experiments" / in_runs : fs::path(out);
  if (is_built_in) {
    for (const auto& [option, is_given] : {std::pair("--minutes", minutes > 0),
                                           {"--from", !from.empty()},
                                           {"--seed", !seeds.empty()},
                                           {"--small", small},
                                           {"--dry-run", dry_run}})
      if (is_given)
        throw base::UsageError("attune experiment ", name, " takes no ", option,
                               ": its tasks and seeds are fixed, and it has no runs of a recipe");
    std::cout << (is_toy ? experiment::run_toy(folder, 1, base::terminal_console())
                         : experiment::run_small_tasks(folder, base::terminal_console()));
    return 0;
  }
  experiment::Plan plan = experiment::read_plan(file);
  if (small) plan = experiment::small_version(std::move(plan));
  experiment::check_variants(plan);
  const experiment::MatrixOptions options{
      folder, static_cast<double>(minutes), read_seeds(seeds, plan),
      experiment::outcomes_made(plan, {from.begin(), from.end()}, base::terminal_console())};
  if (dry_run) {
    print_plan(plan, options);
    return 0;
  }
  const std::vector<experiment::Outcome> outcomes =
      experiment::run_matrix(plan, options, base::terminal_console());
  const experiment::Results results = experiment::summarise(plan, outcomes);
  experiment::write_results(folder, plan, results,
                            "attune experiment " + name + (small ? " --small" : ""));
  std::cout << "results: " << (folder / "results.md").string() << ", "
            << (folder / "report.html").string() << "\n";
  if (!results.missing.empty())
    std::cout << results.missing.size() << " runs are left: the same command does them\n";
  return 0;
}

}  // namespace

Command experiment_command() {
  return {"experiment", "run a recipe under several settings and seeds, and compare them",
          "attune experiment world-algorithms --minutes 60", run_experiment};
}

}  // namespace cli
