#include "experiment/experiment.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "base/settings.h"

namespace experiment {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kSmallSeeds = 2;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

Variant read_variant(const std::string& text) {
  const std::size_t colon = text.find(':');
  Variant variant{text.substr(0, colon), {}};
  if (colon == std::string::npos || !is_name(variant.name))
    throw base::UsageError("a variant is written as \"", text,
                           "\", expected \"NAME: key=value key=value\"");
  if (variant.name == kStart)
    throw base::UsageError("a variant may not be called \"", kStart,
                           "\": that is the model before reinforcement learning");
  variant.settings = words_of(text.substr(colon + 1));
  for (const std::string& setting : variant.settings)
    if (setting.find('=') == std::string::npos)
      throw base::UsageError("variant ", variant.name, ": \"", setting, "\" is no key=value");
  return variant;
}

Metric read_metric(const std::string& text) {
  const std::vector<std::string> words = words_of(text);
  if (words.size() != 2)
    throw base::UsageError("a metric is written as \"", text,
                           "\", expected two words such as \"v2 hr@5\"");
  return {words[0], words[1]};
}

Contrast read_contrast(const std::string& text, bool primary, const Plan& plan) {
  const std::vector<std::string> words = words_of(text);
  if (words.size() != 4)
    throw base::UsageError("a comparison is declared as \"", text,
                           "\", expected four words such as \"v2 hr@5 ppo start\"");
  for (std::size_t i = 2; i < 4; ++i)
    if (words[i] != kStart &&
        std::none_of(plan.variants.begin(), plan.variants.end(),
                     [&](const Variant& variant) { return variant.name == words[i]; }))
      throw base::UsageError("the comparison \"", text, "\" names no variant: ", words[i]);
  const Metric metric{words[0], words[1]};
  if (std::none_of(plan.metrics.begin(), plan.metrics.end(),
                   [&](const Metric& one) { return one.title() == metric.title(); }))
    throw base::UsageError("the comparison \"", text, "\": ", metric.title(),
                           " is not among \"metrics\"");
  if (metric.part == "rl" && (words[2] == kStart || words[3] == kStart))
    throw base::UsageError("the comparison \"", text, "\": \"", kStart,
                           "\" has no rl stage, so there is nothing to compare with");
  return {metric, words[2], words[3], primary};
}

CurvePlot read_curve_plot(const std::string& text, const Plan& plan) {
  const std::size_t colon = text.find(':');
  const std::vector<std::string> names =
      words_of(colon == std::string::npos ? "" : text.substr(colon + 1));
  if (names.empty() || names.size() > kMostCurves)
    throw base::UsageError("\"", text, "\" is no plot: expected TITLE: VARIANT VARIANT, up to ",
                           kMostCurves, " variants");
  for (const std::string& name : names)
    if (std::none_of(plan.variants.begin(), plan.variants.end(),
                     [&](const Variant& variant) { return variant.name == name; }))
      throw base::UsageError("the plot \"", text, "\" names no variant: ", name);
  return {text.substr(0, colon), names};
}

void check(const Plan& plan) {
  base::require_schema({{"schema", plan.experiment.schema}}, "experiment", kVersion,
                       "the experiment");
  if (plan.variants.empty()) throw base::UsageError("\"variants\" names none");
  if (plan.metrics.empty()) throw base::UsageError("\"metrics\" names none");
  std::set<std::string> names;
  for (const Variant& variant : plan.variants)
    if (!names.insert(variant.name).second)
      throw base::UsageError("two variants are called ", variant.name);
  const std::vector<int>& seeds = plan.experiment.seeds;
  if (seeds.empty()) throw base::UsageError("\"seeds\" names none");
  if (std::set<int>(seeds.begin(), seeds.end()).size() != seeds.size())
    throw base::UsageError("\"seeds\" names one twice");
}

}  // namespace

bool Plan::draws(const std::string& variant) const {
  return std::any_of(curves.begin(), curves.end(), [&](const CurvePlot& plot) {
    return std::find(plot.variants.begin(), plot.variants.end(), variant) != plot.variants.end();
  });
}

Plan read_plan(const std::filesystem::path& file) {
  Plan plan;
  base::read_settings(base::list_settings(plan.experiment), file, "experiment", kVersion);
  try {
    for (const std::string& text : plan.experiment.variants)
      plan.variants.push_back(read_variant(text));
    for (const std::string& text : plan.experiment.metrics)
      plan.metrics.push_back(read_metric(text));
    for (const std::string& text : plan.experiment.primary)
      plan.contrasts.push_back(read_contrast(text, true, plan));
    for (const std::string& text : plan.experiment.secondary)
      plan.contrasts.push_back(read_contrast(text, false, plan));
    for (const std::string& text : plan.experiment.curves)
      plan.curves.push_back(read_curve_plot(text, plan));
    check(plan);
  } catch (const base::UsageError& error) {
    throw base::UsageError(file.string(), ": ", error.what());
  }
  plan.recipe = file.parent_path() / plan.experiment.recipe;
  if (plan.experiment.title.empty()) plan.experiment.title = file.stem().string();
  return plan;
}

Plan small_version(Plan plan) {
  Experiment& experiment = plan.experiment;
  if (experiment.small.empty())
    throw base::UsageError("this experiment has no small version: its file has no \"small\"");
  experiment.title += ", a small version";
  experiment.settings.insert(experiment.settings.end(), experiment.small.begin(),
                             experiment.small.end());
  experiment.seeds.resize(std::min(experiment.seeds.size(), kSmallSeeds));
  return plan;
}

}  // namespace experiment
