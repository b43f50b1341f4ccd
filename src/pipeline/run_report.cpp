#include "pipeline/run_report.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/format.h"
#include "base/manifest.h"
#include "base/run_log.h"
#include "pipeline/alarms.h"

namespace pipeline {
namespace fs = std::filesystem;
namespace {

evaluate::Series series(const fs::path& folder, const std::string& metric,
                        const std::string& name) {
  evaluate::Series out{name, {}};
  for (const auto& [step, value] : base::read_metric(folder, metric))
    out.points.emplace_back(static_cast<double>(step), value);
  return out;
}

void add_curves(const fs::path& run, evaluate::ReportData& report) {
  const fs::path sft = run / "sft", ranker = run / "sft/ranker", policy = run / "policy";
  using evaluate::Marks;
  report.curves.push_back({"SFT: loss (nats a token)",
                           "step",
                           {series(sft, "loss", "training"),
                            series(sft, "validation/loss", "validation, recommender only")}});
  report.curves.push_back(
      {"SFT: validation loss by part",
       "step",
       {series(sft, "validation/mode_loss", "mode"), series(sft, "validation/item_loss", "item"),
        series(sft, "validation/words_loss", "words")},
       Marks::lines_and_points});
  report.curves.push_back(
      {"Ranker: loss (nats an item)", "step", {series(ranker, "loss", "training")}});
  report.curves.push_back({"RL: score of the words",
                           "iteration",
                           {series(policy, "objective/scores", "reward model")}});
  report.curves.push_back({"RL: expected reward of the item slot",
                           "iteration",
                           {series(policy, "item/reward", "policy"),
                            series(policy, "item/reference_reward", "reference")}});
  report.curves.push_back(
      {"RL: KL to the SFT model (nats)",
       "iteration",
       {series(policy, "objective/kl", "words, a reply"), series(policy, "item/kl", "item slot")}});
  report.curves.push_back({"RL: entropy (nats)",
                           "iteration",
                           {series(policy, "objective/entropy", "a word"),
                            series(policy, "item/entropy", "item slot")}});
  report.curves.push_back(
      {"RL: tokens of a reply", "iteration", {series(policy, "length/mean", "mean")}});
  report.curves.push_back(
      {"RL: losses",
       "iteration",
       {series(policy, "loss/policy_avg", "policy"), series(policy, "loss/value_avg", "value")}});
}

// Gold is measured after an iteration's update, KL and reward of the item slot before it, so a
// policy with its gold stands there at the next iteration; from clicks the KL is of the same one.
void add_gold_against_proxy(const fs::path& policy, evaluate::ReportData& report) {
  std::map<std::int64_t, double> kl, proxy;
  for (const auto& [step, value] : base::read_metric(policy, "item/kl")) kl[step] = value;
  for (const auto& [step, value] : base::read_metric(policy, "item/reward")) proxy[step] = value;
  const bool measured_after = !base::read_metric(policy, "item/taken_back").empty();
  for (const auto& [step, value] : base::read_metric(policy, "gold")) {
    const std::int64_t at = !measured_after && kl.count(step + 1) ? step + 1 : step;
    if (kl.count(at) && proxy.count(at)) report.gold_proxy.push_back({kl[at], proxy[at], value});
  }
  std::sort(report.gold_proxy.begin(), report.gold_proxy.end(),
            [](const auto& a, const auto& b) { return a.kl < b.kl; });
}

void add_reward_checks(const fs::path& folder, evaluate::ReportData& report) {
  const std::string where = (folder / "validation.json").string();
  const base::Json json = base::read_json(where);
  base::require_schema(json, "reward_validation", 1, where);
  const auto value = [](const base::Json& target, const char* name) -> std::optional<double> {
    return target.contains(name) && !target[name].is_null()
               ? std::optional<double>(target[name].at("estimate"))
               : std::nullopt;
  };
  for (const base::Json& target : base::require<base::Json>(json, "targets", where)) {
    const auto name = base::require<std::string>(target, "target", where);
    const auto add = [&](const char* what, const std::string& title, const std::string& wanted,
                         bool passed) {
      if (!value(target, what)) return;
      report.reward.push_back({title, wanted, *value(target, what),
                               target[what].at("low").get<double>(),
                               target[what].at("high").get<double>(), passed});
    };
    add("pearson", "Pearson with " + name, "above .6 (the paper's)",
        target.value("pearson_passed", false));
    const auto baselines = [&](const std::string& suffix) {
      std::string wanted = "above";
      for (const auto& [key, label] : {std::pair{"liked_rate_", "the item's liked rate"},
                                       {"popularity_", "popularity"},
                                       {"inverse_popularity_", "its inverse"}})
        if (const auto baseline = value(target, (key + suffix).c_str()))
          wanted += base::concatenate(" ", label, " ", base::fixed(*baseline, 3), ",");
      wanted.pop_back();
      return wanted;
    };
    add("auc", "AUC of " + name + ", all pairs", baselines("auc"),
        target.value("auc_passed", false));
    add("auc_within", "AUC of " + name + ", within dialogues", baselines("within"),
        target.value("auc_within_passed", false));
  }
  const base::Json blend = base::require<base::Json>(json, "blend", where);
  std::string terms;
  for (const base::Json& term : base::require<base::Json>(blend, "terms", where)) {
    terms += (terms.empty() ? "" : " + ") + base::fixed(term.at("weight"), 3) + " " +
             term.at("signal").get<std::string>();
    if (term.at("low") != term.at("high"))
      terms += " [" + base::fixed(term.at("low"), 3) + ", " + base::fixed(term.at("high"), 3) + "]";
  }
  report.notes.push_back("Reward blend (" + base::require<std::string>(blend, "note", where) +
                         "): " + terms + ", each signal standardised.");
}

void add_statistics(const fs::path& folder, evaluate::ReportData& report) {
  const base::Json json = base::read_json(folder / "statistics.json");
  base::require_schema(json, "statistics", 1, (folder / "statistics.json").string());
  report.statistics.header = {"", "train", "validation", "test"};
  const auto show = [](const base::Json& value) {
    if (value.is_number_float()) return base::fixed(value, 1);
    if (!value.is_object()) return value.dump();
    std::string text;
    for (const auto& [key, number] : value.items())
      text += (text.empty() ? "" : " / ") + number.dump();
    return text;
  };
  for (const auto& [name, value] : json.at("train").items()) {
    std::vector<std::string> row = {name};
    for (const char* split : {"train", "validation", "test"})
      row.push_back(show(json.at(split).value(name, base::Json())));
    report.statistics.rows.push_back(std::move(row));
  }
  for (const base::Json& dropped : json.at("dropped"))
    report.notes.push_back("Data: " + dropped.at("what").get<std::string>() + ": " +
                           dropped.at("count").dump());
  for (const base::Json& leak : json.at("leaks"))
    report.warnings.push_back("Leak: " + leak.get<std::string>());
}

}  // namespace

void add_run_parts(const Run& run, evaluate::ReportData& report) {
  const fs::path& folder = run.folder();
  report.title = run.recipe().name;
  double seconds = 0;
  for (const char* stage : {"data", "tokenizer", "sft", "signals", "reward", "policy"})
    seconds += base::read_manifest(folder / stage).value("seconds", 0.);
  report.subtitle =
      base::concatenate("attune ", ATTUNE_VERSION, ", seed ", run.recipe().run.seed,
                        ", stages before the evaluation took ", base::format_duration(seconds));
  add_curves(folder, report);
  add_gold_against_proxy(folder / "policy", report);
  add_reward_checks(folder / "reward", report);
  add_statistics(folder / "data", report);
  const fs::path signals = folder / "signals/signals.json";
  const base::Json measured = base::read_json(signals);
  base::require_schema(measured, "signals", 1, signals.string());
  report.signals = evaluate::signal_scores_from_json(
      base::require<base::Json>(measured, "signals", signals.string()), signals.string());
  report.recipe = recipe_text(run.recipe());
  const auto find = [&](const char* name) -> const evaluate::ModelScores& {
    const auto found =
        std::find_if(report.models.begin(), report.models.end(),
                     [&](const evaluate::ModelScores& scores) { return scores.name == name; });
    base::check(found != report.models.end(), "the report has no model ", name);
    return *found;
  };
  for (std::string& alarm :
       find_alarms(folder / "policy", run.recipe().rl, find("sft"), find("ppo")))
    report.warnings.push_back(std::move(alarm));
}

}  // namespace pipeline
