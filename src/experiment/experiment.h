#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace experiment {

// One recipe under several settings and seeds, and what is to be compared: an experiment's file
// (TOML, docs/formats.md).
struct Experiment {
  std::string schema = "attune.experiment/1";
  std::string title;
  std::string about;
  std::string recipe;  // relative to the experiment's file
  std::vector<int> seeds = {1, 2, 3, 4, 5};
  std::vector<std::string> settings;
  std::vector<std::string> small;
  std::vector<std::string> variants;
  std::vector<std::string> metrics = {"v2 hr@5"};
  std::vector<std::string> primary;
  std::vector<std::string> secondary;
  std::vector<std::string> curves;

  template <class F>
  void fields(F&& field) {
    field("schema", schema, "format of this file");
    field("title", title, "of the page of results");
    field("about", about, "a paragraph on that page: what is asked");
    field("recipe", recipe, "what every run does, relative to this file");
    field("seeds", seeds, "run.seed of each variant's runs");
    field("settings", settings,
          "of every run, as on the command line: \"rl.iterations=30\"; {seed} stands for the run's "
          "seed: \"data.split.seed={seed}\"");
    field("small", small,
          "further settings of every run where a small version is asked for (--small), which has "
          "the first two seeds");
    field("variants", variants,
          "settings that differ, each as \"NAME: rl.algorithm=dpo rl.beta=0.2\"; NAME: letters, "
          "digits, - and _");
    field(
        "metrics", metrics,
        "columns of the page, each PART and METRIC of report.json's models (\"v2 hr@5\", \"world "
        "satisfaction\", \"text bleu4\"), or of the rl stage: \"rl seconds\", and \"rl kl\", \"rl "
        "item_kl\" (the mean over the last quarter of its iterations)");
    field("primary", primary,
          "comparisons, declared beforehand: PART METRIC VARIANT AGAINST, the metric one of "
          "\"metrics\"; \"start\" stands for the model that reinforcement learning starts from");
    field("secondary", secondary, "comparisons declared beside them");
    field("curves", curves,
          "plots of true satisfaction against the distance from the start model, in a simulated "
          "world (rl.gold_every), each as \"TITLE: VARIANT VARIANT\", up to six variants");
  }
};

// "start" is the start model of the first variant's runs: a row of its own on the page.
inline constexpr const char* kStart = "start";

struct Variant {
  std::string name;
  std::vector<std::string> settings;  // "rl.algorithm=dpo"
};

// A number that a run is judged by: `part` and `name` of "v2 hr@5".
struct Metric {
  std::string part, name;
  std::string title() const { return part + " " + name; }
};

struct Contrast {
  Metric metric;
  std::string variant, against;
  bool primary = false;
};

inline constexpr std::size_t kMostCurves = 6;  // of a plot: its colours

// Variants whose curves are drawn together.
struct CurvePlot {
  std::string title;
  std::vector<std::string> variants;
};

// A file's experiment, in parts.
struct Plan {
  Experiment experiment;
  std::filesystem::path recipe;
  std::vector<Variant> variants;
  std::vector<Metric> metrics;
  std::vector<Contrast> contrasts;
  std::vector<CurvePlot> curves;

  bool draws(const std::string& variant) const;  // the variant is in one of `curves`
};

// Throws base::UsageError, with the file's name, where a key is unknown, a variant or a comparison
// cannot be read, names no variant or stands twice, or a comparison is of a metric that is no
// column; base::DataError where there is no such file.
Plan read_plan(const std::filesystem::path& file);

// The same with the settings of `small` and the first two seeds: to see in minutes that all of it
// works. Throws base::UsageError where the experiment has no such settings.
Plan small_version(Plan plan);

}  // namespace experiment
