#include <iostream>

#include "base/files.h"
#include "base/settings.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "pipeline/estimate.h"
#include "pipeline/stages.h"

namespace cli {
namespace {

// What run and the stages' commands take.
struct Given {
  std::string recipe, out;
  std::vector<std::string> overrides;
  bool dry_run = false, json = false, profile = false;
};

enum class Ends { in_a_stage, in_a_report, in_a_report_of_any_dialogues };

Given parse(const Command& self, const std::vector<std::string>& given, Ends ends) {
  Given result;
  pipeline::Recipe all;
  Arguments arguments(self);
  arguments.positional("RECIPE", result.recipe, "a recipe (TOML), or the folder of a run");
  arguments.overrides(base::list_settings(all), result.overrides);
  arguments.flag("--dry-run", result.dry_run,
                 "print the resolved recipe and what it will take; do nothing");
  arguments.flag("--profile", result.profile, "say where the time of each stage went");
  if (ends != Ends::in_a_stage)
    arguments.flag("--json", result.json, "print report.json at the end");
  if (ends == Ends::in_a_report_of_any_dialogues)
    arguments.option("--out", result.out,
                     "evaluate on data.test=FILE into this folder; the run stays as it is");
  arguments.parse(given);
  if (result.profile) result.overrides.push_back("run.profile=true");
  return result;
}

int show_plan(const pipeline::Recipe& recipe) {
  std::cout << pipeline::recipe_text(recipe) << "\n";
  for (const std::string& line : pipeline::estimate(recipe)) std::cout << "# " << line << "\n";
  return 0;
}

void print_report(const std::filesystem::path& folder) {
  std::cout << base::read_file(folder / "report.json");
}

int run_all(const Command& self, const std::vector<std::string>& arguments) {
  const Given given = parse(self, arguments, Ends::in_a_report);
  const pipeline::Recipe recipe = pipeline::read_recipe(given.recipe, given.overrides);
  if (given.dry_run) return show_plan(recipe);
  pipeline::Run run(recipe, base::terminal_console());
  for (const pipeline::NamedStage& stage : pipeline::all_stages()) stage.work(run);
  if (given.json) print_report(run.folder());
  run.console().line("open " + (run.folder() / "report.html").string() +
                     "; talk with it: attune chat " + run.folder().string());
  return 0;
}

int run_stage(const Command& self, const std::vector<std::string>& arguments,
              const pipeline::NamedStage& stage) {
  Given given =
      parse(self, arguments,
            self.name == "evaluate" ? Ends::in_a_report_of_any_dialogues : Ends::in_a_stage);
  std::string test;
  if (!given.out.empty()) {  // other dialogues: the run itself must not learn of them
    std::erase_if(given.overrides, [&](const std::string& assignment) {
      if (!assignment.starts_with("data.test=")) return false;
      test = assignment.substr(std::string("data.test=").size());
      return true;
    });
    if (test.empty())
      throw base::UsageError("--out needs data.test=FILE: the dialogues to evaluate on");
  }
  const pipeline::Recipe recipe = pipeline::read_recipe(given.recipe, given.overrides);
  if (given.dry_run) return show_plan(recipe);
  pipeline::Run run(recipe, base::terminal_console());
  if (test.empty())
    stage.work(run);
  else
    pipeline::evaluate_elsewhere(run, test, given.out);
  if (given.json) print_report(given.out.empty() ? run.folder() : std::filesystem::path(given.out));
  return 0;
}

}  // namespace

Command run_command() {
  return {"run", "do a whole recipe, from dialogues to the report; what is done already is skipped",
          "attune run recipes/tiny.toml run.folder=runs/mine sft.epochs=4", run_all};
}

std::vector<Command> stage_commands() {
  std::vector<Command> commands;
  for (const pipeline::NamedStage& stage : pipeline::all_stages()) {
    const std::string name = stage.name;
    const std::string example =
        name == "evaluate" ? "attune evaluate runs/redial data.test=test_data.jsonl --out held-out"
                           : "attune " + name + " recipes/tiny.toml";
    commands.push_back({name, std::string("one stage of a recipe: ") + stage.help, example,
                        [&stage](const Command& self, const std::vector<std::string>& arguments) {
                          return run_stage(self, arguments, stage);
                        }});
  }
  return commands;
}

}  // namespace cli
