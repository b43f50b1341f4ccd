#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "base/files.h"
#include "base/manifest.h"
#include "base/settings.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "evaluate/seed_report.h"
#include "pipeline/recipe.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

// Settings that change no result, and the seed.
constexpr const char* kNotOfAVariant[] = {
    "schema",      "name",       "run.folder",
    "run.seed",    "run.redo",   "run.allow_different_machine",
    "run.threads", "run.device", "run.profile"};

evaluate::FinishedRun read_run(const fs::path& folder, pipeline::Recipe& recipe,
                               const std::string& evaluation) {
  if (!fs::is_directory(folder)) throw base::DataError(folder, ": no such folder");
  recipe = pipeline::read_recipe(folder, {});
  evaluate::FinishedRun run{folder.string(), recipe.run.seed, recipe.name,
                            base::to_json(base::list_settings(recipe)), folder / evaluation};
  for (const char* key : kNotOfAVariant) run.settings.erase(key);
  if (!fs::exists(run.evaluation / "report.json"))
    throw base::DataError(run.evaluation,
                          ": holds no report.json; has the run been evaluated? `attune evaluate ",
                          folder.string(), "`");
  if (base::has_manifest(run.evaluation)) base::verify_manifest(run.evaluation);
  return run;
}

// Those of all recipes, each once; primary where one recipe says so.
void add_declared(const pipeline::EvaluationSettings& settings,
                  std::vector<evaluate::Declared>& declared) {
  for (const evaluate::Declared& wanted :
       evaluate::read_declared(settings.primary, settings.secondary)) {
    const auto known =
        std::find_if(declared.begin(), declared.end(), [&](const evaluate::Declared& other) {
          return other.protocol == wanted.protocol && other.metric == wanted.metric &&
                 other.model == wanted.model && other.against == wanted.against;
        });
    if (known == declared.end())
      declared.push_back(wanted);
    else
      known->primary |= wanted.primary;
  }
}

int compare(const Command& self, const std::vector<std::string>& given) {
  std::vector<std::string> folders;
  std::string out, evaluation = "evaluation";
  int resamples = 10'000;
  bool json = false;
  Arguments arguments(self);
  arguments.option("--out", out, "the folder to write the report into", Arguments::Need::required);
  arguments.option("--evaluation", evaluation,
                   "where each run's evaluation is, in its folder: of other dialogues, what "
                   "`attune evaluate RUN data.test=FILE --out RUN/NAME` wrote");
  arguments.option("--resamples", resamples, "of the bootstrap behind each interval");
  arguments.flag("--json", json, "print report.json at the end");
  arguments.positional("RUN", folders,
                       "the folders of two or more runs, evaluated on the same dialogues; those "
                       "of equal settings are seeds of one variant, and the first run's variant is "
                       "what others are compared with");
  arguments.parse(given);
  if (folders.size() < 2)
    throw base::UsageError("one run has nothing to be compared with; its own report is ",
                           (fs::path(folders[0]) / "report.html").string());
  if (resamples < 1) throw base::UsageError("--resamples is ", resamples, ", expected at least 1");
  std::vector<evaluate::FinishedRun> runs;
  std::vector<evaluate::Declared> declared;
  for (const std::string& folder : folders) {
    pipeline::Recipe recipe;
    runs.push_back(read_run(folder, recipe, evaluation));
    add_declared(recipe.evaluation, declared);
  }
  const evaluate::RunsComparison found =
      evaluate::compare_runs(runs, declared, {.resamples = resamples});
  evaluate::write_comparison(out, found);
  if (json) {
    std::cout << base::read_file(fs::path(out) / "report.json");
    return 0;
  }
  for (const std::string& warning : found.warnings) std::cerr << warning << "\n";
  for (const evaluate::SeedDifference& difference : found.differences)
    if (difference.row.primary) std::cout << evaluate::finding(difference) << "\n";
  std::cout << "report: " << (fs::path(out) / "report.html").string() << "\n";
  return 0;
}

}  // namespace

Command compare_command() {
  return {"compare", "compare finished runs: several seeds, several settings",
          "attune compare runs/redial-1 runs/redial-2 runs/redial-3 --out runs/redial-seeds",
          compare};
}

}  // namespace cli
