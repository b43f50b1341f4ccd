#include "experiment/experiment.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/manifest.h"
#include "experiment/outcomes.h"
#include "experiment/results_page.h"
#include "experiment/run_matrix.h"

namespace experiment {
namespace {

const std::string kFile =
    "title = \"A title\"\nrecipe = \"../tiny.toml\"\nseeds = [1, 2, 3]\n"
    "variants = [\"one: rl.beta=0.1 rl.batch=8\", \"two:\"]\nmetrics = [\"v2 hr@5\", \"rl kl\"]\n";

class Experiments : public ::testing::Test {
 protected:
  Plan read(const std::string& text) {
    base::write_file(folder_.path() / "mine.toml", text);
    return read_plan(folder_.path() / "mine.toml");
  }
  std::string complaint(const std::string& text) {
    try {
      read(text);
    } catch (const base::UsageError& error) {
      return error.what();
    }
    return "";
  }
  base::TemporaryFolder folder_;
};

TEST_F(Experiments, AFileSaysVariantsMetricsAndComparisons) {
  const Plan plan = read(kFile +
                         "primary = [\"v2 hr@5 one two\"]\nsecondary = [\"rl kl one two\", "
                         "\"v2 hr@5 two start\"]\n");
  ASSERT_EQ(plan.variants.size(), 2u);
  EXPECT_EQ(plan.variants[0].name, "one");
  EXPECT_EQ(plan.variants[0].settings, (std::vector<std::string>{"rl.beta=0.1", "rl.batch=8"}));
  EXPECT_TRUE(plan.variants[1].settings.empty());
  EXPECT_EQ(plan.metrics[1].title(), "rl kl");
  ASSERT_EQ(plan.contrasts.size(), 3u);
  EXPECT_TRUE(plan.contrasts[0].primary);
  EXPECT_FALSE(plan.contrasts[1].primary);
  EXPECT_EQ(plan.contrasts[2].against, "start");
  EXPECT_EQ(plan.recipe, folder_.path() / "../tiny.toml");
}

TEST_F(Experiments, WhatCannotBeReadIsRefusedWithTheFilesName) {
  const std::string rest = "metrics = [\"v2 hr@5\"]\n";
  for (const auto& [text, said] : std::vector<std::pair<std::string, std::string>>{
           {rest, "\"variants\" names none"},
           {rest + "variants = [\"no colon\"]", "expected \"NAME: key=value"},
           {rest + "variants = [\"a/b: x=1\"]", "expected \"NAME: key=value"},
           {rest + "variants = [\"a: x\"]", "\"x\" is no key=value"},
           {rest + "variants = [\"start: x=1\"]", "may not be called"},
           {rest + "variants = [\"a:\", \"a: x=1\"]", "two variants are called a"},
           {rest + "variants = [\"a:\"]\nseeds = [1, 1]", "names one twice"},
           {rest + "variants = [\"a:\"]\nseeds = []", "\"seeds\" names none"},
           {rest + "variants = [\"a:\"]\nprimary = [\"v2 hr@5 a b\"]", "names no variant: b"},
           {rest + "variants = [\"a:\"]\nprimary = [\"v2 hr@5 a\"]", "expected four words"},
           {rest + "variants = [\"a:\"]\nprimary = [\"v2 hr@7 a start\"]",
            "v2 hr@7 is not among \"metrics\""},
           {"metrics = [\"rl kl\"]\nvariants = [\"a:\"]\nsecondary = [\"rl kl a start\"]",
            "\"start\" has no rl stage"},
           {"metrics = [\"hr@5\"]\nvariants = [\"a:\"]", "expected two words"}}) {
    const std::string found = complaint(text);
    EXPECT_NE(found.find(said), std::string::npos) << text << ": " << found;
    EXPECT_NE(found.find("mine.toml"), std::string::npos) << found;
  }
}

Outcome outcome(const std::string& variant, int seed, double hr, double start) {
  return {variant, seed, {{"v2 hr@5", hr}}, {{"v2 hr@5", start}}};
}

TEST_F(Experiments, DifferencesArePairedBySeed) {
  const Plan plan =
      read(kFile + "primary = [\"v2 hr@5 one two\"]\nsecondary = [\"v2 hr@5 one start\"]\n");
  const Results results = summarise(
      plan, {outcome("one", 1, .5, .1), outcome("two", 1, .4, .1), outcome("one", 2, .9, .3),
             outcome("two", 2, .7, .3), outcome("two", 3, .2, .5)});
  const Cell& two = results.cells.at("two").at("v2 hr@5");
  EXPECT_NEAR(two.mean, 1.3 / 3, 1e-12);
  // t(.975, 2) = 4.302653; the deviation of .4, .7, .2 is .2516611.
  EXPECT_NEAR(*two.high - two.mean, 4.302653 * .2516611 / std::sqrt(3.), 1e-6);
  ASSERT_EQ(results.differences.size(), 2u);
  const Difference& paired = results.differences[0];
  EXPECT_EQ(paired.cell.values.size(), 2u);  // seed 3 of "one" is not done
  EXPECT_NEAR(paired.cell.mean, .15, 1e-12);
  // t = .15 / (.0707107 / sqrt 2) = 3 with one degree of freedom: p = 1 - 2 atan(3) / pi.
  EXPECT_NEAR(*paired.p, 1 - 2 * std::atan(3.) / std::acos(-1.), 1e-9);
  // Two comparisons: the smaller p counts twice, the larger one at least as much.
  const double smaller = std::min(*paired.p, *results.differences[1].p);
  EXPECT_NEAR(*paired.p_holm, std::max(2 * smaller, *paired.p), 1e-12);
  EXPECT_NEAR(results.differences[1].cell.mean, (.4 + .6) / 2, 1e-12);
  EXPECT_EQ(results.missing, (std::vector<std::string>{"one, seed 3"}));
  // "start" is what the first variant's runs began with.
  EXPECT_NEAR(results.cells.at("start").at("v2 hr@5").mean, .2, 1e-12);
}

TEST_F(Experiments, OneSeedHasNoInterval) {
  const Cell cell = summarise({.5});
  EXPECT_EQ(cell.mean, .5);
  EXPECT_FALSE(cell.low || cell.high);
}

TEST_F(Experiments, DifferencesThatAreAllTheSameHaveNoP) {
  const Plan plan = read(kFile + "primary = [\"v2 hr@5 one two\"]\n");
  for (const double other : {.4, .5}) {
    // .9 - .8 is not quite .5 - .4.
    const Results results =
        summarise(plan, {outcome("one", 1, .5, .1), outcome("two", 1, other, .1),
                         outcome("one", 2, .9, .1), outcome("two", 2, other + .4, .1)});
    EXPECT_EQ(results.differences.at(0).cell.values.size(), 2u);
    EXPECT_FALSE(results.differences[0].p || results.differences[0].p_holm) << other;
  }
}

TEST_F(Experiments, AComparisonWithoutRunsStandsOnThePageAsNotDone) {
  const Plan plan = read(kFile + "primary = [\"v2 hr@5 one two\", \"v2 hr@5 one start\"]\n");
  const Results results = summarise(plan, {outcome("one", 1, .5, .1)});
  ASSERT_EQ(results.differences.size(), 2u);
  EXPECT_TRUE(results.differences[0].cell.values.empty());
  write_results(folder_.path() / "out", plan, results, "attune experiment mine");
  const std::string text = base::read_file(folder_.path() / "out" / "results.md"),
                    page = base::read_file(folder_.path() / "out" / "report.html");
  EXPECT_NE(text.find("| one − two * | v2 hr@5 | not done | – | – | 0 |"), std::string::npos)
      << text;
  EXPECT_NE(page.find("one has not been compared with two in v2 hr@5 yet"), std::string::npos);
  const base::Json report = base::read_json(folder_.path() / "out" / "report.json");
  EXPECT_FALSE(report.at("comparisons").at(0).contains("mean"));
  EXPECT_TRUE(report.at("comparisons").at(1).contains("mean"));
}

TEST_F(Experiments, ThePageSaysWhatIsCompared) {
  const Plan plan = read(kFile + "primary = [\"v2 hr@5 one two\"]\n");
  const Results results = summarise(plan, {outcome("one", 1, .5, .1), outcome("two", 1, .4, .1)});
  write_results(folder_.path() / "out", plan, results, "attune experiment mine");
  const std::string text = base::read_file(folder_.path() / "out" / "results.md");
  for (const char* part :
       {"# A title", "attune experiment mine", "| one | 0.500 | – |", "| start | 0.100 | – |",
        "| one − two * | v2 hr@5 | +0.100 | – | – | 1 |", "Not done yet: one, seed 2",
        "rl.beta=0.1 rl.batch=8"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const std::string page = base::read_file(folder_.path() / "out" / "report.html");
  EXPECT_NE(page.find("<table"), std::string::npos);
}

TEST_F(Experiments, CurvesAreMeansOverSeedsAndDrawn) {
  const Plan plan = read(kFile + "curves = [\"both: one two\"]\n");
  Outcome first = outcome("one", 1, .5, .1), second = outcome("one", 2, .5, .1);
  first.learning = {{0, 0, .4}, {1, 1, .6}, {2, 2, .5}};
  second.learning = {{0, 0, .2}, {1, 1, .4}, {2, 2, .3}};
  first.best_of = {{0, 0, .4}, {1, 1, .7}};
  const Results results = summarise(plan, {first, second});
  EXPECT_DOUBLE_EQ(results.curves.at("one").learning[1].gold, .5);
  EXPECT_FALSE(results.curves.count("two"));
  write_results(folder_.path() / "out", plan, results, "attune experiment mine");
  const std::string text = base::read_file(folder_.path() / "out" / "results.md");
  for (const char* part : {"| one | 0.00 to 2.00 | 0.300 | 0.500 at 1.00 | 0.400 at 2.00 | 80 % |",
                           "| one, best of n |"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "out" / "plots"));
}

// Keeps what it is told.
class Listener : public base::Console {
 public:
  void line(const std::string& text) override { text_ += text + "\n"; }
  void progress(const std::string&) override {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

TEST_F(Experiments, RunsMadeElsewhereAreToldByTheirSettings) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const std::string file =
      "recipe = \"tiny.toml\"\nseeds = [1, 2]\nmetrics = [\"v2 hr@5\"]\nvariants = [\"one:";
  const Plan plan = read(file + " rl.beta=0.1\", \"two:\"]\n");
  Outcome made = outcome("one", 1, .1 + .2, .1);  // .3 and a bit: numbers come back exactly
  made.settings = settings_sum(plan, plan.variants[0], 1);
  made.learning = {{0, 0, 1. / 3}, {1, .5, .6}};
  const std::filesystem::path outcomes = folder_.path() / "outcomes.json";
  write_outcomes(outcomes, {made});
  Listener console;
  const std::vector<Outcome> back = outcomes_made(plan, {outcomes}, console);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].aligned, made.aligned);
  EXPECT_EQ(back[0].start, made.start);
  EXPECT_EQ(back[0].learning[0].gold, 1. / 3);
  EXPECT_EQ(console.text(), "");

  // Another value of a setting, another seed and another name are other runs; other comparisons or
  // seeds of the plan are not.
  EXPECT_TRUE(outcomes_made(read(file + " rl.beta=0.2\"]\n"), {outcomes}, console).empty());
  EXPECT_NE(console.text().find("left out 1 outcomes of other settings"), std::string::npos);
  EXPECT_NE(settings_sum(plan, plan.variants[0], 2), made.settings);
  EXPECT_EQ(
      outcomes_made(read("title = \"other\"\n" + file + " rl.beta=0.1\"]\n"), {outcomes}, console)
          .size(),
      1u);
  for (const char* text : {"{}", R"({"schema": "attune.experiment_outcomes/1", "outcomes": {}})"}) {
    base::write_file(outcomes, text);
    EXPECT_THROW(outcomes_made(plan, {outcomes}, console), base::DataError) << text;
  }
}

TEST_F(Experiments, TwoFilesThatSayOtherwiseOfOneRunAreRefused) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const Plan plan =
      read("recipe = \"tiny.toml\"\nseeds = [1]\nmetrics = [\"v2 hr@5\"]\nvariants = [\"one:\"]\n");
  Outcome made = outcome("one", 1, .3, .1);
  made.settings = settings_sum(plan, plan.variants[0], 1);
  const std::filesystem::path first = folder_.path() / "first.json",
                              second = folder_.path() / "second.json";
  write_outcomes(first, {made});
  made.aligned["rl kl"] = 2;
  write_outcomes(second, {made});
  Listener console;
  const std::vector<Outcome> both = outcomes_made(plan, {first, second}, console);
  ASSERT_EQ(both.size(), 1u);  // one run, with what either says of it
  EXPECT_EQ(both[0].aligned, made.aligned);
  made.aligned["v2 hr@5"] = .4;
  write_outcomes(second, {made});
  try {
    outcomes_made(plan, {first, second}, console);
    FAIL();
  } catch (const base::DataError& error) {
    for (const char* part : {"first.json", "second.json", "one, seed 1", "v2 hr@5"})
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST_F(Experiments, VariantsOfTheSameSettingsKeepTheirOwnOutcomes) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const Plan plan = read(
      "recipe = \"tiny.toml\"\nseeds = [1]\nmetrics = [\"v2 hr@5\"]\nvariants = [\"one:\", "
      "\"two:\"]\n");
  Outcome one = outcome("one", 1, .3, .1), two = outcome("two", 1, .4, .1);
  one.settings = two.settings = settings_sum(plan, plan.variants[0], 1);
  write_outcomes(folder_.path() / "outcomes.json", {one, two});
  Listener console;
  const std::vector<Outcome> back =
      outcomes_made(plan, {folder_.path() / "outcomes.json"}, console);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[1].variant, "two");
}

TEST_F(Experiments, OutcomesMadeElsewhereAreKeptBesideTheOthers) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const Plan plan = read(
      "recipe = \"tiny.toml\"\nseeds = [1, 2]\nmetrics = [\"v2 hr@5\"]\nvariants = [\"one:\"]\n");
  Listener console;
  run_matrix(plan,
             {.folder = folder_.path() / "out",
              .made = {outcome("one", 1, .3, .1), outcome("one", 2, .4, .1)}},
             console);
  EXPECT_EQ(read_outcomes(folder_.path() / "out" / "outcomes.json").size(), 2u);
}

// A finished run's folder as far as read_outcome looks.
void pretend_run(const std::filesystem::path& folder, const pipeline::Recipe& recipe) {
  base::create_folder(folder / "evaluation");
  base::create_folder(folder / "policy");
  base::write_file(folder / "policy" / "metrics.jsonl", "");
  base::write_manifest(folder / "evaluation", base::Json::object());
  base::write_json(folder / "report.json",
                   {{"models", {{{"name", "ppo"}, {"scores", {{"v2", {{"hr@5", .3}}}}}}}}});
  base::write_file(folder / "recipe.toml", pipeline::recipe_text(recipe));
}

TEST_F(Experiments, ARunThatOtherSettingsMadeIsNotDone) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const std::string file =
      "recipe = \"tiny.toml\"\nseeds = [1, 2]\nmetrics = [\"v2 hr@5\"]\nvariants = [\"one: ";
  const Plan then = read(file + "rl.beta=0.1\"]\n"), now = read(file + "rl.beta=0.2\"]\n");
  const std::filesystem::path run = folder_.path() / "run";
  EXPECT_FALSE(read_outcome(then, run, then.variants[0], 1));  // there is none
  pretend_run(run, pipeline::read_recipe(then.recipe, {"rl.beta=0.1", "run.threads=2"}));
  const auto found = read_outcome(then, run, then.variants[0], 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->aligned.at("v2 hr@5"), .3);
  EXPECT_EQ(found->settings, settings_sum(then, then.variants[0], 1));
  EXPECT_FALSE(read_outcome(now, run, now.variants[0], 1));
  EXPECT_FALSE(read_outcome(then, run, then.variants[0], 2));
}

class TakingOver : public ::testing::Test {
 protected:
  std::filesystem::path run(const std::string& name) const { return folder_.path() / name; }
  // A finished stage of a run, made by settings and from stages of such keys.
  void make(const std::string& name, const std::string& stage, const std::string& key,
            const base::Json& settings, const base::Json& inputs = base::Json::object()) const {
    const std::filesystem::path folder = run(name) / stage;
    base::create_folder(folder);
    base::write_json(folder / "stage.json", {{"settings", settings}, {"inputs", inputs}});
    base::write_file(folder / "made_by", name);
    base::write_manifest(folder, {{"key", key}});
  }
  std::string taken_from(const std::string& stage) const {
    const std::filesystem::path file = run("mine") / stage / "made_by";
    return std::filesystem::exists(file) ? base::read_file(file) : "";
  }
  void take_over() const {
    pipeline::Recipe recipe;
    recipe.run.folder = run("mine").string();
    take_over_stages({run("none"), run("first"), run("second")}, recipe);
  }
  base::TemporaryFolder folder_;
  const base::Json own_ = {{"sft.epochs", pipeline::Recipe().sft.epochs}, {"run.seed", 1}},
                   other_ = {{"sft.epochs", 99}, {"run.seed", 1}};
};

TEST_F(TakingOver, AStageComesFromTheFirstRunOfItsSettings) {
  make("first", "sft", "a", other_);
  make("second", "sft", "b", own_);
  take_over();
  EXPECT_EQ(taken_from("sft"), "second");
}

TEST_F(TakingOver, AStageOfNobodysSettingsIsLeftToTheRun) {
  make("first", "sft", "a", other_);
  make("second", "sft", "b", {{"a.setting.of.old", 1}});
  take_over();
  EXPECT_EQ(taken_from("sft"), "");
}

TEST_F(TakingOver, AFolderThatAStageReadIsNoStage) {
  make("first", "tokenizer", "a", {{"run.seed", 1}}, {{"tokenizer", "a folder's sum"}});
  take_over();
  EXPECT_EQ(taken_from("tokenizer"), "first");
}

TEST_F(TakingOver, AStageThatIsThereStays) {
  make("mine", "sft", "a", other_);
  make("first", "sft", "b", own_);
  take_over();
  EXPECT_EQ(taken_from("sft"), "mine");
}

TEST_F(TakingOver, AStageMadeFromAnotherOneIsNotTakenOver) {
  make("first", "sft", "a", other_);
  make("first", "reward", "c", own_, {{"sft", "a"}, {"a file", "sum"}});
  make("second", "sft", "b", own_);
  take_over();
  EXPECT_EQ(taken_from("reward"), "");
  make("second", "reward", "d", own_, {{"sft", "b"}});
  take_over();
  EXPECT_EQ(taken_from("reward"), "second");
}

TEST_F(Experiments, FoldersCountByTheirNames) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const auto sum = [&](const std::string& setting) {
    const Plan plan = read("recipe = \"tiny.toml\"\nvariants = [\"one: " + setting + "\"]\n");
    return settings_sum(plan, plan.variants[0], 1);
  };
  for (const std::string setting :
       {"model.base", "tokenizer.folder", "data.emoji", "sentiment.model", "relevance.model"}) {
    EXPECT_EQ(sum(setting + "=/here/a"), sum(setting + "=/there/a/")) << setting;
    EXPECT_NE(sum(setting + "=/here/a"), sum(setting + "=/here/b")) << setting;
  }
  EXPECT_EQ(sum("rl.algorithm=dpo rl.preferences=/here/a.jsonl"),
            sum("rl.algorithm=dpo rl.preferences=a.jsonl"));
}

TEST_F(Experiments, ASettingMayNameTheSeed) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const std::string file = "recipe = \"tiny.toml\"\nvariants = [\"one:\"]\nsettings = ";
  const Plan named = read(file + "[\"world.seed=1{seed}\"]"),
             told = read(file + "[\"world.seed=13\"]");
  EXPECT_EQ(settings_sum(named, named.variants[0], 3), settings_sum(told, told.variants[0], 3));
  EXPECT_NE(settings_sum(named, named.variants[0], 2), settings_sum(told, told.variants[0], 2));
}

TEST_F(Experiments, ASmallVersionHasFurtherSettingsAndTwoSeeds) {
  const std::string file =
      "recipe = \"tiny.toml\"\nseeds = [4, 5, 6]\nsettings = [\"rl.batch=8\"]\nvariants = "
      "[\"one:\"]\n";
  const Plan small = small_version(read(file + "small = [\"rl.iterations=2\"]\n"));
  EXPECT_EQ(small.experiment.seeds, (std::vector<int>{4, 5}));
  EXPECT_EQ(small.experiment.settings, (std::vector<std::string>{"rl.batch=8", "rl.iterations=2"}));
  EXPECT_THROW(small_version(read(file)), base::UsageError);
}

TEST_F(Experiments, RunsMadeForAnotherExperimentCountUnderItsOwnName) {
  base::write_file(folder_.path() / "tiny.toml", "name = \"tiny\"\n");
  const std::string file =
      "recipe = \"tiny.toml\"\nseeds = [1]\nmetrics = [\"v2 hr@5\"]\nvariants = [\"";
  const Plan there = read(file + "ppo: rl.beta=0.3\"]\n"),
             here = read(file + "critic: rl.beta=0.3\"]\n");
  Outcome made = outcome("ppo", 1, .3, .1);
  made.settings = settings_sum(there, there.variants[0], 1);
  write_outcomes(folder_.path() / "outcomes.json", {made});
  Listener console;
  const std::vector<Outcome> back =
      outcomes_made(here, {folder_.path() / "outcomes.json"}, console);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].variant, "critic");
}

TEST_F(Experiments, APlotNamesVariantsThatThereAre) {
  for (const char* curves :
       {"no colon", "a title:", "a title: three", "t: one one one one one one one"})
    EXPECT_THROW(read(kFile + "curves = [\"" + curves + "\"]\n"), base::UsageError) << curves;
}

}  // namespace
}  // namespace experiment
