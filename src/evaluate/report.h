#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/checks.h"
#include "evaluate/comparison.h"
#include "evaluate/plot.h"
#include "evaluate/registry.h"
#include "evaluate/scores.h"
#include "evaluate/table.h"
#include "evaluate/text_metrics.h"

namespace evaluate {

// One of `signals`: how well a signal tells liked from disliked items.
struct SignalScore {
  std::string name;
  std::optional<double> auc, low, high;  // with its 95 % interval
  std::optional<double> pearson, spearman;
  std::int64_t n = 0;
  bool validated = false;
};
// From feedback::to_json's list. Throws base::DataError.
std::vector<SignalScore> signal_scores_from_json(const base::Json& list, const std::string& where);

// A policy on the way of its training: how far it went, what it was trained on, and what counts.
struct GoldProxyPoint {
  double kl = 0;
  double proxy = 0;  // the reward model's score
  double gold = 0;   // the judge that is never optimised
};

// One check of the reward model.
struct RewardCheck {
  std::string name;    // "Pearson of engagement"
  std::string wanted;  // "above 0.6"
  double value = 0;
  std::optional<double> low, high;
  bool passed = false;
};

struct SampleReply {
  std::string model;
  std::string text;
  std::vector<std::pair<std::string, double>> items;  // titles of the best, with probabilities
};
// One moment of a dialogue and what models said there, before and after alignment.
struct Sample {
  std::string query;
  std::string context;  // evaluate::transcript
  std::string reference;
  std::vector<SampleReply> replies;
};

// All that a report can show. What is empty is left out.
struct ReportData {
  std::string title;     // "redial"
  std::string subtitle;  // when, with what, how long
  std::vector<ModelScores> models;
  std::vector<Comparison> comparisons;
  std::vector<SignalScore> signals;
  std::vector<RewardCheck> reward;
  std::vector<Plot> curves;
  std::vector<GoldProxyPoint> gold_proxy;
  std::vector<Sample> samples;
  Table statistics;    // of the data: a name, then a column a split
  std::string recipe;  // resolved, as text
  std::vector<std::string> notes, warnings;
  std::optional<Registered> evaluation = {};  // of the held-out dialogues
};

// Samples from several models' replies to the same instances (collect_responses with the same
// limit), at even distances, with the items that each model ranks best.
std::vector<Sample> make_samples(const std::vector<std::vector<Response>>& responses,
                                 const std::vector<ModelRanking>& rankings,
                                 const std::vector<Instance>& instances,
                                 const dialogue::Catalogue& catalogue, std::size_t count);

// One sentence that says what a comparison found.
std::string finding(const Comparison& comparison);

// Writes FOLDER/report.json (attune.report/1, docs/formats.md) and FOLDER/report.html, one file
// without outside requests; beside them its tables as FOLDER/tables/NAME.csv, .md and .tex and its
// plots as FOLDER/plots/NAME.svg, in place of those that were there. Each file and folder whole or
// not at all; bytes that are not UTF-8 are replaced. Throws base::ResourceError.
void write_report(const std::filesystem::path& folder, const ReportData& data);

// `models` of a report.json, so that a later stage can add to it. Throws base::DataError.
std::vector<ModelScores> read_report_models(const std::filesystem::path& file);

}  // namespace evaluate
