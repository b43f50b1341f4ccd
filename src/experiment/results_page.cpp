#include "experiment/results_page.h"

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "base/format.h"
#include "base/json.h"
#include "evaluate/report_page.h"
#include "evaluate/sheets.h"

namespace experiment {
namespace {

constexpr int kVersion = 1;
constexpr double kLevel = .05;

const char* const kHow =
    "Means over seeds with 95 % intervals by Student's t over seeds. Differences are paired by "
    "seed: runs of one seed share the model they start from and meet the same people. p: paired "
    "t-test, two-sided, after Holm's correction over all rows. * marks the primary comparisons.";

// As many digits as a number of that size needs.
int digits_of(double value) { return std::abs(value) >= 100 ? 0 : std::abs(value) >= 10 ? 1 : 3; }

std::string number_text(double value, int digits, bool with_sign) {
  return with_sign ? base::signed_fixed(value, digits) : base::fixed(value, digits);
}

std::string cell_text(const Cell& cell, bool with_sign = false) {
  const int digits = digits_of(cell.mean);
  std::string text = number_text(cell.mean, digits, with_sign);
  if (cell.low && cell.high)
    text += " [" + number_text(*cell.low, digits, with_sign) + ", " +
            number_text(*cell.high, digits, with_sign) + "]";
  return text;
}

std::vector<std::string> rows_of(const Plan& plan) {
  std::vector<std::string> rows = {kStart};
  for (const Variant& variant : plan.variants) rows.push_back(variant.name);
  return rows;
}

const char* const kCurves =
    "Means over seeds. Distance: the square root of the KL to the start model, nats, of a reply's "
    "words and its item together; of the best of n replies that of log n - (n - 1) / n. Kept: what "
    "the end has of the best gold on the way. alpha, beta and the peak, in distances, are of the "
    "least-squares fit of d (alpha - beta log d) to the gold gained, for the best of n of "
    "d (alpha - beta d) (Gao, Schulman and Hilton 2022).";

using Grid = std::vector<std::vector<std::string>>;  // the header first

Grid means(const Plan& plan, const Results& results) {
  Grid grid = {{"variant"}};
  for (const Metric& metric : plan.metrics) grid[0].push_back(metric.title());
  for (const std::string& row : rows_of(plan)) {
    const auto cells = results.cells.find(row);
    if (cells == results.cells.end()) continue;
    grid.push_back({row});
    for (const Metric& metric : plan.metrics) {
      const auto cell = cells->second.find(metric.title());
      grid.back().push_back(cell == cells->second.end() ? "–" : cell_text(cell->second));
    }
  }
  return grid;
}

bool is_done(const Difference& difference) { return !difference.cell.values.empty(); }

Grid differences(const Results& results) {
  Grid grid = {{"comparison", "metric", "difference", "p", "p, Holm", "seeds"}};
  for (const Difference& one : results.differences) {
    const auto p_text = [](const std::optional<double>& p) { return p ? base::fixed(*p, 4) : "–"; };
    grid.push_back(
        {one.contrast.variant + " − " + one.contrast.against + (one.contrast.primary ? " *" : ""),
         one.contrast.metric.title(), is_done(one) ? cell_text(one.cell, true) : "not done",
         p_text(one.p), p_text(one.p_holm), std::to_string(one.cell.values.size())});
  }
  return grid;
}

std::vector<std::string> curve_row(const std::string& name, const std::vector<CurvePoint>& curve,
                                   OverOptimisation law) {
  const CurvePoint &first = curve.front(), &last = curve.back(), &best = best_point(curve);
  std::vector<std::string> row = {
      name,
      base::fixed(first.proxy, 2) + " to " + base::fixed(last.proxy, 2),
      base::fixed(first.gold, 3),
      base::fixed(best.gold, 3) + " at " + base::fixed(best.distance, 2),
      base::fixed(last.gold, 3) + " at " + base::fixed(last.distance, 2),
      best.gold > 0 ? base::fixed(100 * last.gold / best.gold, 0) + " %" : "–"};
  const std::optional<CurveFit> fit = fit_curve(curve, law);
  if (!fit) {
    row.insert(row.end(), 4, "–");
    return row;
  }
  row.insert(row.end(),
             {base::fixed(fit->alpha, 3), base::fixed(fit->beta, 3), base::fixed(fit->r2, 2),
              std::isfinite(fit->peak) ? base::fixed(fit->peak, 2) : "none"});
  return row;
}

Grid curves(const Plan& plan, const Results& results) {
  Grid grid = {{"curve", "proxy", "gold at first", "best gold", "gold at last", "kept", "alpha",
                "beta", "R²", "fitted peak"}};
  for (const Variant& variant : plan.variants) {
    const auto found = results.curves.find(variant.name);
    if (found == results.curves.end()) continue;
    const auto& [learning, best_of] = found->second;
    if (!learning.empty())
      grid.push_back(curve_row(variant.name, learning, OverOptimisation::reinforcement));
    if (!best_of.empty())
      grid.push_back(curve_row(variant.name + ", best of n", best_of, OverOptimisation::best_of_n));
  }
  return grid;
}

// Two plots a declared one: gold and proxy. Best-of-n is drawn where there is room for a colour.
std::vector<evaluate::Plot> curve_plots(const Plan& plan, const Results& results) {
  std::vector<evaluate::Plot> plots;
  for (const CurvePlot& declared : plan.curves) {
    evaluate::Plot gold{"Gold: " + declared.title, "distance from the start model", {}},
        proxy{"Proxy: " + declared.title, gold.x_label, {}};
    gold.marks = proxy.marks = evaluate::Marks::lines_and_points;
    const auto add = [&](const std::string& name, std::vector<CurvePoint> curve) {
      if (curve.empty() || gold.series.size() == kMostCurves) return;
      std::stable_sort(curve.begin(), curve.end(), [](const CurvePoint& a, const CurvePoint& b) {
        return a.distance < b.distance;
      });
      for (evaluate::Plot* plot : {&gold, &proxy}) plot->series.push_back({name, {}});
      for (const CurvePoint& point : curve) {
        gold.series.back().points.emplace_back(point.distance, point.gold);
        proxy.series.back().points.emplace_back(point.distance, point.proxy);
      }
    };
    for (const std::string& name : declared.variants)
      if (const auto found = results.curves.find(name); found != results.curves.end())
        add(name, found->second.learning);
    for (const std::string& name : declared.variants)
      if (const auto found = results.curves.find(name); found != results.curves.end())
        add(name + ", best of n", found->second.best_of);
    plots.push_back(std::move(gold));
    plots.push_back(std::move(proxy));
  }
  return plots;
}

Grid settings(const Plan& plan) {
  Grid grid = {{"variant", "settings"}};
  for (const Variant& variant : plan.variants) {
    std::string text;
    for (const std::string& setting : variant.settings) text += (text.empty() ? "" : " ") + setting;
    grid.push_back({variant.name, text.empty() ? "the recipe's" : text});
  }
  return grid;
}

std::string markdown(const Grid& grid) {
  std::string text;
  for (std::size_t row = 0; row < grid.size(); ++row) {
    text += "|";
    for (const std::string& cell : grid[row]) text += " " + cell + " |";
    text += "\n";
    if (row > 0) continue;
    text += "|";
    for (std::size_t i = 0; i < grid[0].size(); ++i) text += " --- |";
    text += "\n";
  }
  return text;
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

std::string seeds_of(const Plan& plan) {
  std::vector<std::string> seeds;
  for (const int seed : plan.experiment.seeds) seeds.push_back(std::to_string(seed));
  return joined(seeds, ", ");
}

std::string not_done(const Results& results) {
  return results.missing.empty() ? "" : "Not done yet: " + joined(results.missing, "; ") + ".";
}

std::string finding(const Difference& one) {
  if (!is_done(one))
    return one.contrast.variant + " has not been compared with " + one.contrast.against + " in " +
           one.contrast.metric.title() + " yet";
  const bool shown = one.p_holm.value_or(1) < kLevel;
  const std::string what = one.contrast.metric.title() + ": " + cell_text(one.cell, true);
  if (!shown)
    return "No difference was shown between " + one.contrast.variant + " and " +
           one.contrast.against + " in " + what;
  return one.contrast.variant + " is " + (one.cell.mean > 0 ? "above " : "below ") +
         one.contrast.against + " in " + what;
}

std::string results_markdown(const Plan& plan, const Results& results, const std::string& command) {
  const Experiment& experiment = plan.experiment;
  std::string text = "# " + experiment.title + "\n\n";
  if (!experiment.about.empty()) text += experiment.about + "\n\n";
  text += "```sh\n" + command + "\n```\n\nSeeds " + seeds_of(plan) + ". " + kHow + "\n\n";
  if (!results.missing.empty()) text += not_done(results) + "\n\n";
  text += markdown(means(plan, results)) + "\n";
  if (!results.differences.empty()) text += markdown(differences(results)) + "\n";
  if (!results.curves.empty())
    text += std::string(kCurves) + "\n\n" + markdown(curves(plan, results)) + "\n";
  text += markdown(settings(plan));
  if (!experiment.settings.empty())
    text += "\nEvery run: `" + joined(experiment.settings, " ") + "`.\n";
  return text;
}

std::string html_table(evaluate::Sheets& sheets, const std::string& name, const Grid& grid) {
  std::vector<std::vector<evaluate::Cell>> rows;
  for (std::size_t row = 1; row < grid.size(); ++row) {
    rows.emplace_back();
    for (const std::string& cell : grid[row]) rows.back().push_back(evaluate::text_cell(cell));
  }
  return sheets.table(name, grid[0], rows);
}

// The table of differences, each with its interval drawn.
std::string difference_table(const Results& results, evaluate::Sheets& sheets) {
  std::map<std::string, double> reach;  // a scale for each metric
  for (const Difference& one : results.differences) {
    double& own = reach.emplace(one.contrast.metric.title(), 1e-9).first->second;
    own = std::max({own, std::abs(one.cell.low.value_or(one.cell.mean)),
                    std::abs(one.cell.high.value_or(one.cell.mean))});
  }
  const Grid grid = differences(results);
  std::vector<std::string> header = grid[0];
  header.insert(header.begin() + 3, "");
  std::vector<std::vector<evaluate::Cell>> rows;
  for (std::size_t i = 0; i < results.differences.size(); ++i) {
    const Difference& one = results.differences[i];
    rows.emplace_back();
    for (const std::string& cell : grid[i + 1]) rows.back().push_back(evaluate::text_cell(cell));
    const std::string style = one.p_holm.value_or(1) >= kLevel ? ""
                              : one.cell.mean > 0              ? "good"
                                                               : "bad";
    rows.back().insert(rows.back().begin() + 3,
                       {is_done(one) ? evaluate::interval_picture(
                                           one.cell.low.value_or(one.cell.mean), one.cell.mean,
                                           one.cell.high.value_or(one.cell.mean),
                                           reach[one.contrast.metric.title()])
                                     : "",
                        style});
  }
  return sheets.table("differences", header, rows);
}

std::string page(const Plan& plan, const Results& results, const std::string& command,
                 evaluate::Sheets& sheets) {
  using evaluate::element;
  using evaluate::paragraph;
  std::string findings;
  for (const Difference& one : results.differences)
    if (one.contrast.primary) findings += paragraph(finding(one));
  std::string body = paragraph("Seeds " + seeds_of(plan), "subtitle");
  if (!plan.experiment.about.empty()) body += paragraph(plan.experiment.about);
  if (!findings.empty()) body += element("div", findings, "findings");
  if (!results.missing.empty()) body += evaluate::warnings({not_done(results)});
  body += element("h2", "Results") + paragraph(kHow, "soft") +
          html_table(sheets, "means", means(plan, results));
  if (!results.differences.empty())
    body += element("h2", "Comparisons") + difference_table(results, sheets);
  if (!results.curves.empty()) {
    body += element("h2", "Gold against proxy") + paragraph(kCurves, "soft") +
            html_table(sheets, "curves", curves(plan, results));
    for (const evaluate::Plot& plot : curve_plots(plan, results)) body += sheets.plot(plot);
  }
  body += element("h2", "Variants") + html_table(sheets, "variants", settings(plan)) +
          element("pre", evaluate::escape_html(command));
  return evaluate::whole_page(plan.experiment.title, body);
}

base::Json to_json(const Cell& cell) {
  base::Json json = {{"values", cell.values}};
  if (!cell.values.empty()) json["mean"] = cell.mean;
  if (cell.low) json["low"] = *cell.low;
  if (cell.high) json["high"] = *cell.high;
  return json;
}

base::Json to_json(const Plan& plan, const Results& results, const std::string& command) {
  base::Json scores = base::Json::array(), contrasts = base::Json::array();
  for (const std::string& row : rows_of(plan))
    if (const auto cells = results.cells.find(row); cells != results.cells.end())
      for (const auto& [metric, cell] : cells->second) {
        base::Json json = {{"variant", row}, {"metric", metric}};
        json.update(to_json(cell));
        scores.push_back(json);
      }
  for (const Difference& one : results.differences) {
    base::Json json = {{"variant", one.contrast.variant},
                       {"against", one.contrast.against},
                       {"metric", one.contrast.metric.title()},
                       {"primary", one.contrast.primary}};
    json.update(to_json(one.cell));
    if (one.p) json["p"] = *one.p;
    if (one.p_holm) json["p_holm"] = *one.p_holm;
    contrasts.push_back(json);
  }
  base::Json lines = base::Json::array();
  for (const auto& [variant, both] : results.curves)
    for (const auto& [kind, curve] :
         {std::pair("learning", &both.learning), std::pair("best_of_n", &both.best_of)})
      for (const CurvePoint& point : *curve)
        lines.push_back({{"variant", variant},
                         {"kind", kind},
                         {"distance", point.distance},
                         {"proxy", point.proxy},
                         {"gold", point.gold}});
  return {{"schema", base::schema("experiment_results", kVersion)},
          {"title", plan.experiment.title},
          {"command", command},
          {"seeds", plan.experiment.seeds},
          {"scores", scores},
          {"comparisons", contrasts},
          {"curves", lines},
          {"missing", results.missing}};
}

}  // namespace

void write_results(const std::filesystem::path& folder, const Plan& plan, const Results& results,
                   const std::string& command) {
  base::create_folder(folder);
  base::write_file(folder / "results.md", results_markdown(plan, results, command));
  base::write_json(folder / "report.json", to_json(plan, results, command));
  evaluate::Sheets sheets;
  base::write_file(folder / "report.html", page(plan, results, command, sheets));
  evaluate::write_sheets(folder, sheets);
}

}  // namespace experiment
