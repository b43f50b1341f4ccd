#include "evaluate/report_page.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "evaluate/html.h"
#include "evaluate/instances.h"
#include "evaluate/report_style.h"

namespace evaluate {
namespace {

std::string element(const std::string& tag, const std::string& content,
                    const std::string& style = "") {
  return "<" + tag + (style.empty() ? "" : " class=\"" + style + "\"") + ">" + content + "</" +
         tag + ">\n";
}

std::string paragraph(const std::string& text, const std::string& style = "") {
  return element("p", escape_html(text), style);
}

// A cell that is HTML already, with its class.
struct Cell {
  std::string html;
  std::string style;
};

Cell text_cell(const std::string& text) { return {escape_html(text), ""}; }
Cell number_cell(const std::optional<double>& value, int digits) {
  return {value && std::isfinite(*value) ? base::fixed(*value, digits) : "–", ""};
}

std::string table(const std::vector<std::string>& header,
                  const std::vector<std::vector<Cell>>& rows) {
  std::string head, body;
  for (const std::string& name : header) head += "<th>" + escape_html(name) + "</th>";
  for (const std::vector<Cell>& row : rows) {
    std::string cells;
    for (const Cell& cell : row)
      cells += "<td" + (cell.style.empty() ? "" : " class=\"" + cell.style + "\"") + ">" +
               cell.html + "</td>";
    body += "<tr>" + cells + "</tr>\n";
  }
  return "<div class=\"scroll\"><div class=\"table\"><table><thead><tr>" + head +
         "</tr></thead><tbody>\n" + body + "</tbody></table></div></div>\n";
}

std::string summary(const ReportData& data) {
  std::string html;
  for (const Comparison& row : data.comparisons)
    if (row.primary) html += paragraph(finding(row));
  if (html.empty() && !data.comparisons.empty())
    html = paragraph(finding(data.comparisons.front()));
  return html.empty() ? "" : element("div", html, "findings");
}

std::string warnings(const ReportData& data) {
  std::string html;
  for (const std::string& warning : data.warnings) html += paragraph(warning);
  return html.empty() ? "" : element("div", html, "warnings");
}

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
                    {escape_html(row.protocol + " " + row.metric), "left"},
                    {size, style},
                    {interval_picture(row, reach[is_world(row)]), style},
                    number_cell(row.p, 4),
                    number_cell(row.p_holm, 4),
                    {std::to_string(row.n), ""},
                    {std::to_string(row.clusters), ""}});
  }
  return element("h2", "Comparisons") +
         paragraph(
             "Differences on the same rows with 95 % intervals; whole dialogues (in the "
             "world: people) are drawn. Bold: the interval excludes 0. p is of a paired "
             "randomisation test, Holm's correction counts all rows of this table. ★ marks "
             "the primary endpoints.",
             "soft") +
         table({"models", "metric", "difference", "", "p", "p, Holm", "rows", "clusters"}, rows);
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

// ---- feedback and training ----

std::string verdict(bool good) {
  return good ? "<span class=\"good\">yes</span>" : "<span class=\"bad\">no</span>";
}

std::string bracket(const std::optional<double>& low, const std::optional<double>& high) {
  return low && high ? "[" + base::fixed(*low, 3) + ", " + base::fixed(*high, 3) + "]" : "–";
}

std::string signals(const ReportData& data) {
  if (data.signals.empty()) return "";
  std::vector<std::vector<Cell>> rows;
  for (const SignalScore& signal : data.signals)
    rows.push_back({text_cell(signal.name),
                    number_cell(signal.auc, 3),
                    {bracket(signal.low, signal.high), ""},
                    number_cell(signal.pearson, 3),
                    number_cell(signal.spearman, 3),
                    {std::to_string(signal.n), ""},
                    {verdict(signal.validated), ""}});
  return element("h2", "What implicit signals are worth") +
         paragraph(
             "Each signal against what seekers said they liked. Validated: the AUC's "
             "interval lies above .5.",
             "soft") +
         table({"signal", "AUC", "95 % interval", "Pearson", "Spearman", "items", "validated"},
               rows);
}

std::string reward(const ReportData& data) {
  if (data.reward.empty()) return "";
  std::vector<std::vector<Cell>> rows;
  for (const RewardCheck& check : data.reward)
    rows.push_back(
        {text_cell(check.name),
         number_cell(check.value, 3),
         {bracket(check.low, check.high), ""},
         text_cell(check.wanted),
         {check.passed ? "<span class=\"good\">passed</span>" : "<span class=\"bad\">failed</span>",
          ""}});
  return element("h2", "Reward model") +
         table({"check on held-out labels", "value", "95 % interval", "wanted", ""}, rows);
}

std::string gold_proxy(const ReportData& data) {
  if (data.gold_proxy.empty()) return "";
  std::vector<GoldProxyPoint> points = data.gold_proxy;
  std::stable_sort(points.begin(), points.end(),
                   [](const GoldProxyPoint& a, const GoldProxyPoint& b) { return a.kl < b.kl; });
  Plot proxy{"Proxy: the reward that was optimised",
             "KL to the starting policy",
             {{"proxy", {}}},
             Marks::lines_and_points};
  Plot gold{"Gold: the judge that was not",
            "KL to the starting policy",
            {{"gold", {}}},
            Marks::lines_and_points};
  for (const GoldProxyPoint& point : points) {
    proxy.series[0].points.emplace_back(point.kl, point.proxy);
    gold.series[0].points.emplace_back(point.kl, point.gold);
  }
  return element("h2", "Gold against proxy") +
         paragraph("Where the proxy rises and gold falls, the policy exploits the reward model.",
                   "soft") +
         element("div", draw_plot(proxy) + draw_plot(gold), "plots");
}

std::string curves(const ReportData& data) {
  std::string plots;
  for (const Plot& plot : data.curves) plots += draw_plot(plot);
  return plots.empty() ? "" : element("h2", "Training") + element("div", plots, "plots");
}

// ---- samples, data, recipe ----

std::string turns(const std::string& transcript) {
  std::string html;
  for (std::size_t begin = 0; begin < transcript.size();) {
    const std::size_t end = std::min(transcript.find('\n', begin), transcript.size());
    const std::string line = transcript.substr(begin, end - begin);
    const std::size_t colon = line.find(": ");
    html += colon == std::string::npos ? paragraph(line, "turn")
                                       : element("p",
                                                 "<b>" + escape_html(line.substr(0, colon)) +
                                                     "</b>" + escape_html(line.substr(colon + 2)),
                                                 "turn");
    begin = end + 1;
  }
  return html;
}

std::string samples(const ReportData& data) {
  std::string html;
  for (const Sample& sample : data.samples) {
    std::string replies;
    for (const SampleReply& reply : sample.replies) {
      std::string items;
      for (const auto& [title, probability] : reply.items)
        items += "<li><span>" + escape_html(title) + "</span><span>" + base::fixed(probability, 3) +
                 "</span></li>";
      replies += element("div",
                         element("h4", escape_html(reply.model)) + escape_html(reply.text) +
                             (items.empty() ? "" : element("ol", items)),
                         "reply");
    }
    html += element("div",
                    turns(sample.context) + element("div", replies, "replies") +
                        paragraph("Really said: " + sample.reference, "soft small"),
                    "sample");
  }
  return html.empty() ? "" : element("h2", "Samples") + html;
}

std::string statistics(const ReportData& data) {
  if (data.statistics.rows.empty()) return "";
  std::vector<std::vector<Cell>> rows;
  for (const auto& row : data.statistics.rows) {
    std::vector<Cell> cells;
    for (const std::string& cell : row) cells.push_back(text_cell(cell));
    rows.push_back(std::move(cells));
  }
  return element("h2", "Data") + table(data.statistics.header, rows);
}

std::string notes(const ReportData& data) {
  std::string html;
  for (const std::string& note : data.notes) html += paragraph(note);
  return html.empty() ? "" : element("h2", "Notes") + html;
}

std::string recipe(const ReportData& data) {
  if (data.recipe.empty()) return "";
  return element("h2", "Recipe") + "<details><summary>All settings of this run</summary><pre>" +
         escape_html(data.recipe) + "</pre></details>\n";
}

}  // namespace

std::string report_page(const ReportData& data) {
  const std::string title = data.title.empty() ? "attune report" : data.title;
  std::string body = element("h1", escape_html(title));
  if (!data.subtitle.empty()) body += paragraph(data.subtitle, "subtitle");
  body += summary(data) + warnings(data) + comparisons(data) + world(data) + rankings(data) +
          words(data) + gold_proxy(data) + curves(data) + signals(data) + reward(data) +
          samples(data) + statistics(data) + notes(data) + recipe(data);
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'\">\n<title>" +
         escape_html(title) + "</title>\n<style>" + kReportStyle +
         "</style>\n</head>\n<body>\n<main>\n" + body + "</main>\n</body>\n</html>\n";
}

}  // namespace evaluate
