#include "evaluate/report_results.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "evaluate/html.h"
#include "evaluate/report_rankings.h"

namespace evaluate {
namespace {

// ---- comparisons ----

std::string comparisons(const ReportData& data, Sheets& sheets) {
  if (data.comparisons.empty()) return "";
  const auto is_world = [](const Comparison& row) { return row.protocol == "world"; };
  double reach[2] = {1e-9, 1e-9};  // of ranking metrics and of satisfaction: two scales
  for (const Comparison& row : data.comparisons)
    reach[is_world(row)] = std::max({reach[is_world(row)], std::abs(row.low), std::abs(row.high)});
  std::vector<std::vector<Cell>> rows;
  for (const Comparison& row : data.comparisons) {
    const std::string style = row.low > 0 ? "good" : row.high < 0 ? "bad" : "";
    std::string size = base::signed_fixed(row.difference, 4) + " [" +
                       base::signed_fixed(row.low, 4) + ", " + base::signed_fixed(row.high, 4) +
                       "]";
    if (!style.empty()) size = "<b>" + size + "</b>";
    rows.push_back(
        {{escape_html(row.model) + " <span class=\"soft\">against</span> " +
              escape_html(row.against) + (row.primary ? " ★" : ""),
          ""},
         {escape_html(row.protocol + " " + row.metric), ""},
         {size, style},
         {interval_picture(row.low, row.difference, row.high, reach[is_world(row)]), style},
         number_cell(row.p, 4),
         number_cell(row.p_holm, 4),
         {std::to_string(row.n) + " / " + std::to_string(row.clusters), ""}});
  }
  return element("h2", "Comparisons") +
         paragraph(
             "Differences on the same rows with 95 % intervals; whole dialogues (in the "
             "world: people) are the clusters drawn. Bold: the interval excludes 0. p is of a "
             "paired "
             "randomisation test, Holm's correction counts all rows of this table. ★ marks "
             "the primary endpoints.",
             "soft") +
         sheets.table("comparisons",
                      {"models", "metric", "difference", "", "p", "p, Holm", "n / clusters"}, rows);
}

std::string powers(const ReportData& data, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const Comparison& row : data.comparisons)
    if (row.error)
      rows.push_back({{escape_html(row.model) + " <span class=\"soft\">against</span> " +
                           escape_html(row.against) + (row.primary ? " ★" : ""),
                       ""},
                      {escape_html(row.protocol + " " + row.metric), ""},
                      {base::signed_fixed(row.difference, 4), ""},
                      number_cell(row.error, 4),
                      number_cell(row.detectable, 4),
                      number_cell(row.power, 2)});
  if (rows.empty()) return "";
  return element("h3", "What these comparisons could have shown") +
         paragraph(
             "The smallest true difference that a two-sided test at .05 finds with 80 % "
             "probability on as many dialogues, from the standard error of the paired difference "
             "with whole dialogues as units: what is smaller may be there and go unseen. Power is "
             "that of a true difference as large as the measured one; it follows from p.",
             "soft") +
         sheets.table(
             "power",
             {"models", "metric", "difference", "standard error", "smallest detectable", "power"},
             rows);
}

// ---- words and world ----

std::string world(const ReportData& data, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores& model : data.models)
    if (model.world)
      rows.push_back(
          {text_cell(model.name),
           number_cell(model.world->satisfaction, 4),
           {"[" + base::fixed(model.world->low, 4) + ", " + base::fixed(model.world->high, 4) + "]",
            ""},
           number_cell(model.world->turns, 2),
           {std::to_string(model.world->episodes), ""},
           {std::to_string(model.world->people), ""}});
  if (rows.empty()) return "";
  return element("h2", "True satisfaction in the world") +
         paragraph(
             "Simulated people with known tastes talk with every model, the same people with "
             "each. Training never sees this number.",
             "soft") +
         sheets.table("world",
                      {"model", "satisfaction", "95 % interval", "turns", "episodes", "people"},
                      rows);
}

Cell estimate_cell(const std::optional<Estimate>& estimate, int digits) {
  if (!estimate) return {"–", ""};
  return {base::fixed(estimate->value, digits) + " [" + base::fixed(estimate->low, digits) + ", " +
              base::fixed(estimate->high, digits) + "]",
          ""};
}

std::string interactive(const ReportData& data, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores& model : data.models) {
    if (!model.interactive) continue;
    const InteractiveScores& scores = *model.interactive;
    rows.push_back({text_cell(model.name),
                    estimate_cell(scores.success, 3),
                    estimate_cell(scores.turns, 2),
                    estimate_cell(scores.satisfaction, 3),
                    estimate_cell(scores.unknown, 3),
                    {std::to_string(scores.dialogues), ""}});
  }
  if (rows.empty()) return "";
  return element("h2", "In conversation with people made of forms") +
         paragraph(
             "Held-out seekers answer each model by what their form says of an item: liked items "
             "are accepted and end the dialogue. Success: dialogues with an accepted item. Turns: "
             "to that item, where there is one. Satisfaction: of the recommendations that the form "
             "can judge, 1 for a liked item, .5 for one liked and seen, 0 for others and repeats. "
             "Whole dialogues are drawn for the 95 % intervals.",
             "soft") +
         sheets.table("interactive",
                      {"model", "success", "turns to success", "satisfaction", "not in the form",
                       "dialogues"},
                      rows) +
         paragraph(
             "The limits of this: a form holds the few items that one real dialogue named, so most "
             "good recommendations are unknown to it (the column says how many) and count for "
             "nothing; models that recommend what the real recommender did are favoured. These "
             "people do not read the words, do not change their minds and want nothing in "
             "particular. Compare models here, and take no figure for what people would do.",
             "soft small");
}

std::string words(const ReportData& data, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  std::vector<std::string> signatures;
  const auto sign = [&](const std::string& signature) {
    if (!signature.empty() &&
        std::find(signatures.begin(), signatures.end(), signature) == signatures.end())
      signatures.push_back(signature);
  };
  std::vector<std::vector<Cell>> variety;
  for (const ModelScores& model : data.models) {
    if (!model.text) continue;
    const TextScores& text = *model.text;
    sign("BLEU " + text.signature);
    if (text.masked_bleu4) sign("masked " + text.masked_signature);
    if (text.chrf) sign("chrF2 " + text.chrf_signature);
    rows.push_back({text_cell(model.name),
                    number_cell(text.bleu4, 2),
                    number_cell(text.masked_bleu4, 2),
                    number_cell(text.chrf, 2),
                    number_cell(text.rouge_l, 4),
                    number_cell(text.perplexity, 2),
                    number_cell(text.bits_per_byte, 3),
                    number_cell(text.faithfulness, 3),
                    {std::to_string(text.recommending), ""},
                    {std::to_string(text.replies), ""}});
    std::vector<Cell> row = {text_cell(model.name)};
    for (double distinct : text.distinct) row.push_back(number_cell(distinct, 4));
    row.push_back(number_cell(text.mean_length, 1));
    variety.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  std::string signed_by;
  for (const std::string& signature : signatures)
    signed_by += (signed_by.empty() ? "" : "; ") + signature;
  return element("h2", "Words") +
         sheets.table("words",
                      {"model", "BLEU-4", "items masked", "chrF2", "ROUGE-L", "perplexity",
                       "bits/byte", "faithful", "recommend", "replies"},
                      rows) +
         sheets.table("variety",
                      {"model", "Distinct-1", "Distinct-2", "Distinct-3", "Distinct-4", "tokens"},
                      variety) +
         paragraph("Signatures: " + signed_by +
                       ". Items masked: BLEU-4 with one word for every item. ROUGE-L: mean F1 of "
                       "sentences. Faithful: share of recommending replies that name the chosen "
                       "item and no other. Perplexity and bits per byte are of the real replies.",
                   "soft small");
}

}  // namespace

std::string findings(const ReportData& data) {
  std::string html;
  for (const Comparison& row : data.comparisons)
    if (row.primary) html += paragraph(finding(row));
  if (html.empty() && !data.comparisons.empty())
    html = paragraph(finding(data.comparisons.front()));
  return html.empty() ? "" : element("div", html, "findings");
}

std::string results(const ReportData& data, Sheets& sheets) {
  std::string html = comparisons(data, sheets);
  html += powers(data, sheets);
  html += world(data, sheets);
  html += interactive(data, sheets);
  html += rankings(data, sheets);
  return html + words(data, sheets);
}

}  // namespace evaluate
