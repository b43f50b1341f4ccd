#include "evaluate/seed_report.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "evaluate/html.h"
#include "evaluate/report_page.h"
#include "evaluate/sheets.h"

namespace evaluate {
namespace {

constexpr int kVersion = 1;

// ---- report.json ----

base::Json to_json(const Variant& variant) {
  base::Json runs = base::Json::array();
  for (const FinishedRun& run : variant.runs)
    runs.push_back({{"run", run.name}, {"seed", run.seed}});
  return {{"name", variant.name}, {"settings", variant.settings}, {"runs", runs}};
}

base::Json to_json(const SeedScore& score) {
  const metrics::Interval& interval = score.over_seeds.interval;
  return {{"variant", score.variant},
          {"model", score.model},
          {"protocol", score.protocol},
          {"metric", score.metric},
          {"mean", interval.estimate},
          {"low", interval.low},
          {"high", interval.high},
          {"deviation", score.over_seeds.deviation},
          {"values", score.over_seeds.means},
          {"n", interval.rows},
          {"clusters", interval.clusters}};
}

base::Json to_json(const SeedDifference& difference) {
  base::Json json = {{"variant", difference.variant},
                     {"against_variant", difference.against_variant}};
  json.update(to_json(difference.row));
  json["seeds"] = difference.seeds;
  json["against_seeds"] = difference.against_seeds;
  json["deviation"] = difference.deviation;
  if (difference.freedom) json["seed_share"] = difference.seed_share;
  if (difference.freedom) json["freedom"] = *difference.freedom;
  return json;
}

template <class T>
base::Json list_json(const std::vector<T>& values) {
  base::Json list = base::Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

// ---- report.html ----

std::string runs(const RunsComparison& comparison, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const Variant& variant : comparison.variants)
    for (const FinishedRun& run : variant.runs)
      rows.push_back(
          {text_cell(variant.name), text_cell(run.name), text_cell(std::to_string(run.seed))});
  std::string html = element("h2", "Runs") + sheets.table("runs", {"variant", "run", "seed"}, rows);
  if (comparison.variants.size() < 2) return html;
  std::vector<std::string> header = {"setting"};
  std::vector<std::vector<Cell>> settings;
  for (const Variant& variant : comparison.variants) header.push_back(variant.name);
  for (const auto& [key, value] : comparison.variants[0].settings.items()) {
    settings.push_back({text_cell(key)});
    for (const Variant& variant : comparison.variants)
      settings.back().push_back(text_cell(variant.settings.at(key).dump()));
  }
  return html + element("h3", "Settings in which they differ") +
         sheets.table("settings", header, settings);
}

std::string names_of(const SeedDifference& difference) {
  const auto soft = [](const std::string& text) {
    return " <span class=\"soft\">" + escape_html(text) + "</span> ";
  };
  const Comparison& row = difference.row;
  const bool one_variant = difference.variant == difference.against_variant;
  return (one_variant ? escape_html(row.model) + soft("against") + escape_html(row.against) +
                            soft("in " + difference.variant)
                      : escape_html(row.model) + soft("of") + escape_html(difference.variant) +
                            soft("against") + escape_html(difference.against_variant)) +
         (row.primary ? " ★" : "");
}

std::string differences(const RunsComparison& comparison, Sheets& sheets) {
  if (comparison.differences.empty()) return "";
  double reach = 1e-9;
  for (const SeedDifference& one : comparison.differences)
    reach = std::max({reach, std::abs(one.row.low), std::abs(one.row.high)});
  std::vector<std::vector<Cell>> rows;
  for (const SeedDifference& one : comparison.differences) {
    const Comparison& row = one.row;
    const bool shown = row.p_holm.value_or(1) < .05;
    const std::string style = !shown ? "" : row.difference > 0 ? "good" : "bad";
    std::string size = base::signed_fixed(row.difference, 4) + " [" +
                       base::signed_fixed(row.low, 4) + ", " + base::signed_fixed(row.high, 4) +
                       "]";
    if (shown) size = "<b>" + size + "</b>";
    rows.push_back({{names_of(one), ""},
                    text_cell(endpoint_title(row.protocol, row.metric)),
                    {size, style},
                    {interval_picture(row.low, row.difference, row.high, reach), style},
                    number_cell(one.seeds < 2 ? std::nullopt : std::optional(one.deviation), 4),
                    number_cell(row.p, 4),
                    number_cell(row.p_holm, 4),
                    text_cell(one.against_seeds == one.seeds
                                  ? std::to_string(one.seeds)
                                  : base::concatenate(one.seeds, ", ", one.against_seeds)),
                    text_cell(base::concatenate(row.n, " / ", row.clusters))});
  }
  return element("h2", "Comparisons") +
         paragraph(
             "Differences of means over seeds with 95 % intervals, in which seeds and whole "
             "dialogues are drawn with replacement. Two models of one run share its seed: their "
             "difference is taken run by run. Deviation: between seeds, of the difference (of two "
             "variants: of the first one's mean). p: Student's t with the error below; Holm's "
             "correction counts all rows of this table. Bold: p after it is below .05. ★ marks the "
             "primary endpoints.",
             "soft") +
         sheets.table("comparisons",
                      {"models", "metric", "difference", "", "deviation", "p", "p, Holm", "seeds",
                       "n / clusters"},
                      rows);
}

std::string powers(const RunsComparison& comparison, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const SeedDifference& one : comparison.differences)
    if (one.row.error)
      rows.push_back({{names_of(one), ""},
                      text_cell(endpoint_title(one.row.protocol, one.row.metric)),
                      {base::signed_fixed(one.row.difference, 4), ""},
                      number_cell(one.row.error, 4),
                      number_cell(one.seed_share, 2),
                      number_cell(one.freedom, 1),
                      number_cell(one.row.detectable, 4),
                      number_cell(one.row.power, 2)});
  if (rows.empty()) return "";
  return element("h3", "What these comparisons could have shown") +
         paragraph(
             "The standard error adds what varies between seeds and what varies between dialogues; "
             "of seeds: the first part's share of its square. A large share asks for more seeds, a "
             "small one for more dialogues. Smallest detectable: the true difference that a "
             "two-sided test at .05 finds with 80 % probability on as many seeds and dialogues. "
             "Power: that of a true difference as large as the measured one; it follows from p.",
             "soft") +
         sheets.table("power",
                      {"models", "metric", "difference", "standard error", "of seeds", "freedom",
                       "smallest detectable", "power"},
                      rows);
}

using CellOf = std::function<Cell(const SeedScore& score)>;

// A row a variant and model, a column a metric.
std::string score_table(const RunsComparison& comparison, const std::string& protocol,
                        const std::string& name, const CellOf& cell_of, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  std::string last;
  for (const SeedScore& score : comparison.scores) {
    if (score.protocol != protocol) continue;
    const std::string key = score.variant + "\n" + score.model;
    if (key != last) rows.push_back({text_cell(score.model), text_cell(score.variant)});
    last = key;
    rows.back().push_back(cell_of(score));
  }
  if (rows.empty()) return "";
  std::vector<std::string> header = {"model", "variant"};
  for (const char* metric : kSeedMetrics) {
    header.push_back(metric);
    for (char& c : header.back())
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return sheets.table(name, header, rows);
}

std::string scores(const RunsComparison& comparison, Sheets& sheets) {
  std::string html;
  for (const Protocol protocol : kProtocols) {
    const std::string name = protocol_name(protocol);
    const std::string means = score_table(
        comparison, name, name + "-means",
        [](const SeedScore& score) {
          const metrics::Interval& interval = score.over_seeds.interval;
          return Cell{base::fixed(interval.estimate, 4) + " <span class=\"soft\">" +
                          interval_text(interval.low, interval.high, 4) + "</span>",
                      ""};
        },
        sheets);
    if (means.empty()) continue;
    const auto first = std::find_if(comparison.scores.begin(), comparison.scores.end(),
                                    [&](const SeedScore& score) { return score.protocol == name; });
    const metrics::Interval& interval = first->over_seeds.interval;
    html +=
        element("h3", escape_html(protocol_title(protocol))) +
        paragraph(base::concatenate(interval.rows, " pairs of ", interval.clusters, " dialogues."),
                  "soft small") +
        means + "<details><summary>Deviation between seeds</summary>\n" +
        score_table(
            comparison, name, name + "-deviations",
            [](const SeedScore& score) {
              return score.over_seeds.means.size() < 2 ? Cell{"–", ""}
                                                       : number_cell(score.over_seeds.deviation, 4);
            },
            sheets) +
        "</details>\n";
  }
  return element("h2", "Rankings") +
         paragraph(
             "Means over seeds, per pair, with 95 % intervals in which seeds and whole dialogues "
             "are drawn: of a new seed on new dialogues.",
             "soft") +
         html;
}

std::string findings(const RunsComparison& comparison) {
  std::string html;
  for (const SeedDifference& difference : comparison.differences)
    if (difference.row.primary) html += paragraph(finding(difference));
  return html.empty() ? "" : element("div", html, "findings");
}

}  // namespace

void write_comparison(const std::filesystem::path& folder, const RunsComparison& comparison) {
  base::create_folder(folder);
  const base::Json json = {{"schema", base::schema("comparison", kVersion)},
                           {"variants", list_json(comparison.variants)},
                           {"scores", list_json(comparison.scores)},
                           {"comparisons", list_json(comparison.differences)},
                           {"warnings", comparison.warnings}};
  base::write_file(folder / "report.json",
                   json.dump(1, ' ', false, base::Json::error_handler_t::replace) + "\n");
  std::size_t count = 0;
  for (const Variant& variant : comparison.variants) count += variant.runs.size();
  Sheets sheets;
  const std::string body =
      paragraph(base::concatenate(count, " runs of ", comparison.variants.size(), " variants"),
                "subtitle") +
      findings(comparison) + warnings(comparison.warnings) + differences(comparison, sheets) +
      powers(comparison, sheets) + scores(comparison, sheets) + runs(comparison, sheets);
  base::write_file(folder / "report.html", whole_page("Runs compared", body));
  write_sheets(folder, sheets);
}

}  // namespace evaluate
