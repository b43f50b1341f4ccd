#include "evaluate/report.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "evaluate/report_page.h"

namespace evaluate {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kSampleItems = 5;

base::Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? base::Json(*value) : base::Json();
}

base::Json to_json(const SignalScore& signal) {
  return {{"name", signal.name},
          {"auc", number(signal.auc)},
          {"low", number(signal.low)},
          {"high", number(signal.high)},
          {"n", signal.n},
          {"validated", signal.validated},
          {"pearson", number(signal.pearson)},
          {"spearman", number(signal.spearman)}};
}

base::Json to_json(const RewardCheck& check) {
  return {{"name", check.name},         {"value", number(check.value)}, {"low", number(check.low)},
          {"high", number(check.high)}, {"wanted", check.wanted},       {"passed", check.passed}};
}

base::Json to_json(const Plot& plot) {
  base::Json series = base::Json::array();
  for (const Series& one : plot.series) {
    base::Json points = base::Json::array();
    for (const auto& [x, y] : one.points) points.push_back({number(x), number(y)});
    series.push_back({{"name", one.name}, {"points", points}});
  }
  return {{"title", plot.title}, {"x", plot.x_label}, {"series", series}};
}

base::Json to_json(const Sample& sample) {
  base::Json replies = base::Json::array();
  for (const SampleReply& reply : sample.replies) {
    base::Json items = base::Json::array();
    for (const auto& [title, probability] : reply.items)
      items.push_back({{"title", title}, {"probability", number(probability)}});
    replies.push_back({{"model", reply.model}, {"text", reply.text}, {"items", items}});
  }
  return {{"query", sample.query},
          {"context", sample.context},
          {"reference", sample.reference},
          {"replies", replies}};
}

base::Json to_json(const Registered& registered) {
  const Evaluation& evaluation = registered.evaluation;
  return {{"data", evaluation.data},     {"model", evaluation.model},
          {"recipe", evaluation.recipe}, {"name", evaluation.name},
          {"date", evaluation.date},     {"registry", registered.file.filename().string()},
          {"others", registered.others}, {"repeats", registered.repeats}};
}

template <class T>
base::Json list_json(const std::vector<T>& values) {
  base::Json list = base::Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

base::Json to_json(const ReportData& data) {
  base::Json json = {{"schema", base::schema("report", kVersion)},
                     {"title", data.title},
                     {"subtitle", data.subtitle},
                     {"models", list_json(data.models)},
                     {"comparisons", list_json(data.comparisons)},
                     {"signals", list_json(data.signals)},
                     {"reward", list_json(data.reward)},
                     {"curves", list_json(data.curves)}};
  json["gold_proxy"] = base::Json::array();
  for (const GoldProxyPoint& point : data.gold_proxy)
    json["gold_proxy"].push_back(
        {{"kl", number(point.kl)}, {"proxy", number(point.proxy)}, {"gold", number(point.gold)}});
  json["samples"] = list_json(data.samples);
  json["statistics"] = {{"header", data.statistics.header}, {"rows", data.statistics.rows}};
  json["recipe"] = data.recipe;
  json["notes"] = data.notes;
  json["warnings"] = data.warnings;
  if (data.evaluation) json["evaluation"] = to_json(*data.evaluation);
  return json;
}

// A correlation is a number or an interval with its estimate.
std::optional<double> estimate(const base::Json& object, const std::string& key,
                               const std::string& where) {
  if (!object.contains(key) || !object.at(key).is_object())
    return base::optional<double>(object, key, where);
  return base::optional<double>(object.at(key), "value", where);
}

std::vector<std::pair<std::string, double>> best_items(const ModelRanking& ranking,
                                                       std::size_t instance,
                                                       const dialogue::Catalogue& catalogue) {
  std::vector<std::pair<std::string, double>> items;
  for (const auto& [item, score] : ranking.instances[instance].masked_top) {
    if (items.size() == kSampleItems) break;
    items.emplace_back(catalogue[item].title, std::exp(static_cast<double>(score)));
  }
  return items;
}

std::string in_points(double value) { return base::signed_fixed(100 * value, 2); }

}  // namespace

std::vector<SignalScore> signal_scores_from_json(const base::Json& list, const std::string& where) {
  if (!list.is_array()) throw base::DataError(where, ": expected a list of signals");
  std::vector<SignalScore> signals;
  for (const base::Json& one : list)
    signals.push_back({.name = base::require<std::string>(one, "name", where),
                       .auc = base::optional<double>(one, "auc", where),
                       .low = base::optional<double>(one, "low", where),
                       .high = base::optional<double>(one, "high", where),
                       .pearson = estimate(one, "pearson", where),
                       .spearman = estimate(one, "spearman", where),
                       .n = base::require<std::int64_t>(one, "n", where),
                       .validated = base::require<bool>(one, "validated", where)});
  return signals;
}

std::vector<Sample> make_samples(const std::vector<std::vector<Response>>& responses,
                                 const std::vector<ModelRanking>& rankings,
                                 const std::vector<Instance>& instances,
                                 const dialogue::Catalogue& catalogue, std::size_t count) {
  base::check(responses.size() == rankings.size(), "samples of ", responses.size(), " models and ",
              rankings.size(), " rankings");
  std::vector<Sample> samples;
  if (responses.empty()) return samples;
  const std::vector<Response>& first = responses.front();
  const std::size_t wanted = std::min(count, first.size());
  for (std::size_t s = 0; s < wanted; ++s) {
    const std::size_t at = s * first.size() / wanted;
    const auto instance =
        std::find_if(instances.begin(), instances.end(),
                     [&](const Instance& candidate) { return candidate.query == first[at].query; });
    base::check(instance != instances.end(), "no instance ", first[at].query);
    Sample sample{first[at].query, first[at].prompt, first[at].reference, {}};
    for (std::size_t m = 0; m < responses.size(); ++m) {
      base::check(responses[m].size() == first.size() && responses[m][at].query == sample.query,
                  "the models replied to different instances");
      sample.replies.push_back(
          {rankings[m].model, responses[m][at].response,
           best_items(rankings[m], static_cast<std::size_t>(instance - instances.begin()),
                      catalogue)});
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

std::string finding(const Comparison& row) {
  const bool world = row.protocol == "world";
  const bool forms = row.protocol == "interactive";
  const auto shown = [&](double value) {
    return world ? base::signed_fixed(value, 3) : in_points(value);
  };
  const std::string what = world   ? "true satisfaction in the world"
                           : forms ? "success with people made of forms"
                                   : endpoint_title(row.protocol, row.metric);
  const std::string evidence =
      "95 % interval " + shown(row.low) + " to " + shown(row.high) + (world ? "; " : " points; ") +
      std::to_string(row.n) + (world || forms ? " episodes, " : " pairs, ") +
      std::to_string(row.clusters) + (world ? " people)." : " dialogues).");
  const std::string size = shown(row.difference) + (world ? "" : " points") + " (" + evidence;
  if (row.low > 0)
    return row.model + " is better than " + row.against + " in " + what + ": " + size;
  if (row.high < 0)
    return row.model + " is worse than " + row.against + " in " + what + ": " + size;
  return "No difference was shown between " + row.model + " and " + row.against + " in " + what +
         ": " + size;
}

void write_report(const std::filesystem::path& folder, const ReportData& data) {
  base::create_folder(folder);
  const std::string json =
      to_json(data).dump(1, ' ', false, base::Json::error_handler_t::replace) + "\n";
  base::write_file(folder / "report.json", json);
  Sheets sheets;
  base::write_file(folder / "report.html", report_page(data, sheets));
  write_sheets(folder, sheets);
}

std::vector<ModelScores> read_report_models(const std::filesystem::path& file) {
  const base::Json json = base::read_json(file);
  base::require_schema(json, "report", kVersion, file.string());
  std::vector<ModelScores> models;
  for (const base::Json& model : base::require<base::Json>(json, "models", file.string()))
    models.push_back(model_scores_from_json(model, file.string()));
  return models;
}

}  // namespace evaluate
