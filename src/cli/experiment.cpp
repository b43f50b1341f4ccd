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

void print_plan(const experiment::Plan& plan, const fs::path& folder) {
  std::size_t left = 0;
  for (const int seed : plan.experiment.seeds)
    for (const experiment::Variant& variant : plan.variants) {
      const fs::path run = experiment::run_folder(folder, variant.name, seed);
      const bool done = experiment::read_outcome(plan, run, variant.name, seed).has_value();
      left += !done;
      std::cout << run.string() << "  " << (done ? "done" : "to do") << "\n";
    }
  std::cout << left << " runs of " << plan.recipe.string() << " to do\n";
}

int run_experiment(const Command& self, const std::vector<std::string>& given) {
  std::string name, out;
  int minutes = 0;
  bool dry_run = false;
  Arguments arguments(self);
  arguments.positional(
      "NAME", name,
      "an experiment's file (TOML), the name of one in recipes/experiments, or toy: the "
      "algorithms on a task with known answers");
  arguments.option("--out", out, "where runs and results are kept; runs/experiments/NAME without");
  arguments.option("--minutes", minutes,
                   "begin no further run after this long; the same command goes on. 0: no bound");
  arguments.flag("--dry-run", dry_run, "check the variants and list the runs; do nothing");
  arguments.parse(given);
  if (minutes < 0) throw base::UsageError("--minutes is ", minutes, ", expected 0 or more");
  const bool is_toy = name == "toy", is_built_in = is_toy || name == "small-tasks";
  const fs::path file = is_built_in ? fs::path(name) : find_experiment(name),
                 folder =
                     out.empty() ? fs::path("runs") / "experiments" / file.stem() : fs::path(out);
  if (is_built_in) {
    std::cout << (is_toy ? experiment::run_toy(folder, 1, base::terminal_console())
                         : experiment::run_small_tasks(folder, base::terminal_console()));
    return 0;
  }
  const experiment::Plan plan = experiment::read_plan(file);
  if (dry_run) {
    experiment::check_variants(plan);
    print_plan(plan, folder);
    return 0;
  }
  const std::vector<experiment::Outcome> outcomes = experiment::run_matrix(
      plan, {folder, static_cast<double>(minutes)}, base::terminal_console());
  const experiment::Results results = experiment::summarise(plan, outcomes);
  experiment::write_results(folder, plan, results, "attune experiment " + name);
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
