#include "feedback/validity.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/interrupt.h"

namespace feedback {
namespace {

using dialogue::Role;

bool has_reply(const dialogue::Dialogue& dialogue, int turn) {
  for (std::size_t t = static_cast<std::size_t>(turn) + 1; t < dialogue.turns.size(); ++t)
    if (dialogue.turns[t].role == Role::seeker) return true;
  return false;
}

SignalValidity validate(const std::string& name, const std::vector<double>& values,
                        const std::vector<int>& labels, const std::vector<std::int64_t>& clusters,
                        const ValidityOptions& options) {
  SignalValidity validity;
  validity.name = name;
  for (std::size_t i = 0; i < values.size(); ++i) {
    (labels[i] ? validity.liked : validity.disliked) += 1;
    (labels[i] ? validity.mean_liked : validity.mean_disliked) += values[i];
  }
  if (validity.liked) validity.mean_liked /= static_cast<double>(validity.liked);
  if (validity.disliked) validity.mean_disliked /= static_cast<double>(validity.disliked);
  metrics::BootstrapOptions bootstrap;
  bootstrap.resamples = options.resamples;
  bootstrap.place = {options.seed, "feedback/validity"};
  const std::vector<double> liked(labels.begin(), labels.end());
  validity.auc =
      metrics::bootstrap_statistic(metrics::weighted_auc(values, labels), clusters, bootstrap);
  validity.pearson =
      metrics::bootstrap_statistic(metrics::weighted_pearson(values, liked), clusters, bootstrap);
  validity.spearman =
      metrics::bootstrap_statistic(metrics::weighted_spearman(values, liked), clusters, bootstrap);
  validity.validated = validity.auc && validity.auc->low > .5;
  return validity;
}

base::Json interval_json(const std::optional<metrics::Interval>& interval) {
  if (!interval) return nullptr;
  return {{"value", interval->estimate}, {"low", interval->low}, {"high", interval->high}};
}

}  // namespace

std::vector<LabelledItem> label_items(const dialogue::Corpus& corpus, const SignalTable& table) {
  std::vector<LabelledItem> labelled;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const SignalRow& row = table.rows[r];
    const dialogue::Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(row.dialogue)];
    if (!row.item || !has_reply(dialogue, row.turn)) continue;
    for (int item : dialogue.new_items(static_cast<std::size_t>(row.turn)))
      if (const dialogue::Label* label = dialogue.seeker_label(item))
        labelled.push_back({r, item, label->liked, label->seen});
  }
  return labelled;
}

std::vector<SignalValidity> validate_signals(const dialogue::Corpus& corpus,
                                             const SignalTable& table,
                                             const ValidityOptions& options) {
  const std::vector<LabelledItem> labelled = label_items(corpus, table);
  std::vector<SignalValidity> validities;
  for (std::size_t column = 0; column < table.names.size(); ++column) {
    std::vector<double> values;
    std::vector<int> labels;
    std::vector<std::int64_t> clusters;
    for (const LabelledItem& item : labelled) {
      const std::optional<double>& value = table.rows[item.row].values[column];
      if (!value || !item.liked) continue;
      values.push_back(*value);
      labels.push_back(*item.liked);
      clusters.push_back(table.rows[item.row].dialogue);
    }
    base::stop_if_interrupted();
    validities.push_back(validate(table.names[column], values, labels, clusters, options));
  }
  return validities;
}

base::Json to_json(const std::vector<SignalValidity>& validities) {
  base::Json json = base::Json::array();
  for (const SignalValidity& v : validities) {
    base::Json one = {{"name", v.name}, {"auc", nullptr}, {"low", nullptr}, {"high", nullptr}};
    if (v.auc) {
      one["auc"] = v.auc->estimate;
      one["low"] = v.auc->low;
      one["high"] = v.auc->high;
    }
    one["n"] = v.liked + v.disliked;
    one["liked"] = v.liked;
    one["disliked"] = v.disliked;
    one["mean_liked"] = v.mean_liked;
    one["mean_disliked"] = v.mean_disliked;
    one["validated"] = v.validated;
    one["pearson"] = interval_json(v.pearson);
    one["spearman"] = interval_json(v.spearman);
    json.push_back(std::move(one));
  }
  return json;
}

std::vector<std::string> describe(const std::vector<SignalValidity>& validities) {
  std::vector<std::string> lines = {fmt::format("{:<16} {:<22} {:<24} {:<24} {:>16} {:>15}  {}",
                                                "signal", "AUC", "Pearson", "Spearman",
                                                "liked/disliked", "means", "validated")};
  for (const SignalValidity& v : validities)
    lines.push_back(fmt::format(
        "{:<16} {:<22} {:<24} {:<24} {:>16} {:>15}  {}", v.name, metrics::format_interval(v.auc),
        metrics::format_interval(v.pearson), metrics::format_interval(v.spearman),
        fmt::format("{}/{}", v.liked, v.disliked),
        fmt::format("{:.3g}/{:.3g}", v.mean_liked, v.mean_disliked), v.validated ? "yes" : "no"));
  return lines;
}

}  // namespace feedback
