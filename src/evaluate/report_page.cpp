#include "evaluate/report_page.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "base/hash.h"
#include "base/json.h"
#include "evaluate/html.h"
#include "evaluate/report_results.h"
#include "evaluate/report_script.h"
#include "evaluate/report_style.h"

namespace evaluate {
namespace {

// ---- feedback and training ----

std::string verdict(bool good) {
  return good ? "<span class=\"good\">yes</span>" : "<span class=\"bad\">no</span>";
}

std::string signals(const ReportData& data, Sheets& sheets) {
  if (data.signals.empty()) return "";
  std::vector<std::vector<Cell>> rows;
  for (const SignalScore& signal : data.signals)
    rows.push_back({text_cell(signal.name),
                    number_cell(signal.auc, 3),
                    {interval_text(signal.low, signal.high, 3), ""},
                    number_cell(signal.pearson, 3),
                    number_cell(signal.spearman, 3),
                    {std::to_string(signal.n), ""},
                    {verdict(signal.validated), ""}});
  return element("h2", "What implicit signals are worth") +
         paragraph(
             "Each signal against what seekers said they liked. Validated: the AUC's "
             "interval lies above .5.",
             "soft") +
         sheets.table(
             "signals",
             {"signal", "AUC", "95 % interval", "Pearson", "Spearman", "items", "validated"}, rows);
}

std::string reward(const ReportData& data, Sheets& sheets) {
  if (data.reward.empty()) return "";
  std::vector<std::vector<Cell>> rows;
  for (const RewardCheck& check : data.reward)
    rows.push_back(
        {text_cell(check.name),
         number_cell(check.value, 3),
         {interval_text(check.low, check.high, 3), ""},
         text_cell(check.wanted),
         {check.passed ? "<span class=\"good\">passed</span>" : "<span class=\"bad\">failed</span>",
          ""}});
  return element("h2", "Reward model") +
         sheets.table("reward",
                      {"check on held-out labels", "value", "95 % interval", "wanted", ""}, rows);
}

std::string gold_proxy(const ReportData& data, Sheets& sheets) {
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
  const std::string plots = sheets.plot(proxy) + sheets.plot(gold);
  return element("h2", "Gold against proxy") +
         paragraph("Where the proxy rises and gold falls, the policy exploits the reward model.",
                   "soft") +
         element("div", plots, "plots");
}

std::string curves(const ReportData& data, Sheets& sheets) {
  std::string plots;
  for (const Plot& plot : data.curves) plots += sheets.plot(plot);
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

std::string statistics(const ReportData& data, Sheets& sheets) {
  if (data.statistics.rows.empty()) return "";
  std::vector<std::vector<Cell>> rows;
  for (const auto& row : data.statistics.rows) {
    std::vector<Cell> cells;
    for (const std::string& cell : row) cells.push_back(text_cell(cell));
    rows.push_back(std::move(cells));
  }
  return element("h2", "Data") + sheets.table("data", data.statistics.header, rows);
}

std::string notes(const ReportData& data) {
  std::string html;
  for (const std::string& note : data.notes) html += paragraph(note);
  return html.empty() ? "" : element("h2", "Notes") + html;
}

// Which held-out dialogues were evaluated, and how often before.
std::string evaluation(const ReportData& data) {
  if (!data.evaluation) return "";
  const Registered& registered = *data.evaluation;
  return paragraph("Held-out dialogues: SHA-256 " + registered.evaluation.data + ". Model " +
                       registered.evaluation.model.substr(0, 12) + ", settings " +
                       registered.evaluation.recipe.substr(0, 12) + ", " +
                       registered.evaluation.date +
                       ". Evaluated before with other models or "
                       "settings: " +
                       std::to_string(registered.others) +
                       "; with the same: " + std::to_string(registered.repeats) + ".",
                   "soft small turn");
}

std::string recipe(const ReportData& data) {
  if (data.recipe.empty()) return "";
  return element("h2", "Recipe") + "<details><summary>All settings of this run</summary><pre>" +
         escape_html(data.recipe) + "</pre></details>\n";
}

// ---- the page ----

// The bytes of a SHA-256, as a content security policy names a script.
std::string policy_hash(const std::string& script) {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string digits = base::sha256(script);
  std::string out = "sha256-";
  for (std::size_t at = 0; at < digits.size(); at += 6) {  // three bytes, four letters
    const std::string group = digits.substr(at, 6);
    const unsigned long value = std::stoul(group, nullptr, 16) << 4 * (6 - group.size());
    for (std::size_t i = 0; i < 4; ++i)
      out += i <= group.size() / 2 ? kLetters[value >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace

std::string whole_page(const std::string& title, const std::string& body) {
  const std::string script =
      "const plotStyle = " + base::Json(kPlotStyle).dump() + ";" + kReportScript;
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'; img-src data:; script-src '" +
         policy_hash(script) + "'; base-uri 'none'; form-action 'none'\">\n<title>" +
         escape_html(title) + "</title>\n<style>" + kReportStyle +
         "</style>\n</head>\n<body>\n<main>\n" + element("h1", escape_html(title)) + body +
         "</main>\n<script>" + script + "</script>\n</body>\n</html>\n";
}

std::string report_page(const ReportData& data, Sheets& sheets) {
  std::string body = data.subtitle.empty() ? "" : paragraph(data.subtitle, "subtitle");
  body += findings(data) + warnings(data.warnings) + evaluation(data);
  body += results(data, sheets);
  body += gold_proxy(data, sheets);
  body += curves(data, sheets);
  body += signals(data, sheets);
  body += reward(data, sheets);
  body += samples(data);
  body += statistics(data, sheets);
  body += notes(data) + recipe(data);
  return whole_page(data.title.empty() ? "attune report" : data.title, body);
}

}  // namespace evaluate
