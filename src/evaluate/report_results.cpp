#include "evaluate/report_results.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "evaluate/html.h"
#include "evaluate/instances.h"

namespace evaluate {
namespace {

// ---- rankings ----

const char* protocol_title(const std::string& protocol) {
  if (protocol == "v1") return "V1: full catalogue, repeats kept";
  if (protocol == "v2") return "V2: new items only, items named so far masked";
  if (protocol == "v3") return "V3: as V2, items that the seeker liked";
  if (protocol == "ln") return "LN: as V2, items that the seeker liked and had not seen";
  return "";
}

struct Column {
  const char* name;
  double metrics::RankingScores::*value;
  std::size_t k;
};
// At 1 the three metrics are one.
constexpr Column kColumns[] = {
    {"HR@1", &metrics::RankingScores::hit, 1},
    {"HR@5", &metrics::RankingScores::hit, 5},
    {"HR@10", &metrics::RankingScores::hit, 10},
    {"HR@50", &metrics::RankingScores::hit, 50},
    {"NDCG@5", &metrics::RankingScores::ndcg, 5},
    {"NDCG@10", &metrics::RankingScores::ndcg, 10},
    {"NDCG@50", &metrics::RankingScores::ndcg, 50},
    {"MRR@5", &metrics::RankingScores::reciprocal_rank, 5},
    {"MRR@10", &metrics::RankingScores::reciprocal_rank, 10},
    {"MRR@50", &metrics::RankingScores::reciprocal_rank, 50},
};

using Scores = std::vector<metrics::RankingScores>;
using Rankings = std::vector<std::pair<std::string, const Scores*>>;  // by model

std::optional<double> value_in(const Scores& scores, const Column& column) {
  for (const metrics::RankingScores& at : scores)
    if (at.k == column.k) return at.*column.value;
  return std::nullopt;
}

std::string ranking_table(const Rankings& rankings, const char* counted) {
  std::vector<std::string> header = {"model"};
  std::vector<std::vector<Cell>> rows;
  for (const auto& [model, scores] : rankings) rows.push_back({text_cell(model)});
  for (const Column& column : kColumns) {
    header.push_back(column.name);
    double best = 0;
    for (const auto& [model, scores] : rankings)
      best = std::max(best, value_in(*scores, column).value_or(0));
    for (std::size_t m = 0; m < rankings.size(); ++m) {
      const auto value = value_in(*rankings[m].second, column);
      Cell cell = number_cell(value, 4);
      if (value && best > 0 && *value == best) cell.style = "best";
      rows[m].push_back(std::move(cell));
    }
  }
  header.push_back(counted);
  for (std::size_t m = 0; m < rankings.size(); ++m)
    rows[m].push_back({std::to_string(rankings[m].second->front().count), ""});
  return table(header, rows);
}

std::string rankings(const ReportData& data) {
  std::string html;
  for (Protocol protocol : kProtocols) {
    Rankings pairs, messages;
    for (const ModelScores& model : data.models) {
      const auto found = model.protocols.find(protocol_name(protocol));
      if (found == model.protocols.end() || found->second.pairs.empty() ||
          found->second.messages.empty())
        continue;
      pairs.emplace_back(model.name, &found->second.pairs);
      messages.emplace_back(model.name, &found->second.messages);
    }
    if (pairs.empty()) continue;
    html += element("h3", escape_html(protocol_title(protocol_name(protocol))));
    html += ranking_table(pairs, "pairs");
    html += "<details><summary>Per message: any of its items counts</summary>\n" +
            ranking_table(messages, "messages") + "</details>\n";
  }
  if (html.empty()) return "";
  return element("h2", "Rankings") +
         paragraph(
             "Every item of the catalogue is ranked for every recommender message. Per pair: the "
             "mean over a message and one of its items; at 1 the three metrics are equal. The best "
             "of a column is in bold; whether a difference is real is for the comparisons to say.",
             "soft") +
         html;
}

// ---- comparisons ----

// The interval on a line from -reach to reach, 0 in the middle.
std::string interval_picture(const Comparison& row, double reach) {
  const auto x = [&](double value) {
    return base::fixed(90 + 86 * std::clamp(value / reach, -1., 1.), 1);
  };
  return "<svg class=\"interval\" viewBox=\"0 0 180 18\" aria-hidden=\"true\"><line class=\"zero\" "
         "x1=\"90\" x2=\"90\" y1=\"0\" y2=\"18\"/><line class=\"range\" x1=\"" +
         x(row.low) + "\" x2=\"" + x(row.high) + "\" y1=\"9\" y2=\"9\"/><circle cx=\"" +
         x(row.difference) + "\" cy=\"9\" r=\"3.5\"/></svg>";
}

std::string comparisons(const ReportData& data) {
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
    rows.push_back({{escape_html(row.model) + " <span class=\"soft\">against</span> " +
                         escape_html(row.against) + (row.primary ? " ★" : ""),
                     ""},
                    {escape_html(row.protocol + " " + row.metric), ""},
                    {size, style},
                    {interval_picture(row, reach[is_world(row)]), style},
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
         table({"models", "metric", "difference", "", "p", "p, Holm", "n / clusters"}, rows);
}

// ---- words and world ----

std::string world(const ReportData& data) {
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
         table({"model", "satisfaction", "95 % interval", "turns", "episodes", "people"}, rows);
}

std::string words(const ReportData& data) {
  std::vector<std::vector<Cell>> rows;
  std::string signature;
  for (const ModelScores& model : data.models) {
    if (!model.text) continue;
    const TextScores& text = *model.text;
    signature = text.signature;
    std::vector<Cell> row = {text_cell(model.name), number_cell(text.bleu4, 2)};
    for (double distinct : text.distinct) row.push_back(number_cell(distinct, 4));
    row.push_back(number_cell(text.mean_length, 1));
    row.push_back(number_cell(text.perplexity, 2));
    row.push_back(number_cell(text.faithfulness, 3));
    row.push_back({std::to_string(text.recommending), ""});
    row.push_back({std::to_string(text.replies), ""});
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  return element("h2", "Words") +
         table({"model", "BLEU-4", "Distinct-1", "-2", "-3", "-4", "tokens", "perplexity",
                "faithful", "recommend", "replies"},
               rows) +
         paragraph("BLEU signature: " + signature +
                       ". Faithful: share of recommending replies that name the chosen item and no "
                       "other. Perplexity is of the real replies.",
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

std::string results(const ReportData& data) {
  return comparisons(data) + world(data) + rankings(data) + words(data);
}

}  // namespace evaluate
