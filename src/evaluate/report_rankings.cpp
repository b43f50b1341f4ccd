#include "evaluate/report_rankings.h"

#include <algorithm>

#include "base/format.h"
#include "evaluate/candidates.h"
#include "evaluate/html.h"
#include "evaluate/instances.h"

namespace evaluate {
namespace {

// `sft-without-TERM` is `sft` with a term of its ranker switched off.
constexpr std::string_view kWithout = "-without-";

bool is_ablation(const ModelScores& model) {
  return model.name.find(kWithout) != std::string::npos;
}

std::vector<const ModelScores*> whole_models(const ReportData& data) {
  std::vector<const ModelScores*> models;
  for (const ModelScores& model : data.models)
    if (!is_ablation(model)) models.push_back(&model);
  return models;
}

Cell count_cell(std::size_t count) { return {std::to_string(count), ""}; }

// ---- the protocols ----

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

std::string ranking_table(Sheets& sheets, const std::string& name, const Rankings& rankings,
                          const char* counted) {
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
    rows[m].push_back(count_cell(rankings[m].second->front().count));
  return sheets.table(name, header, rows);
}

std::string interval_cell(double value, const Intervals& intervals, const std::string& metric) {
  const auto found = intervals.find(metric);
  return base::fixed(value, 4) +
         (found == intervals.end() ? ""
                                   : " " + interval_text(found->second.low, found->second.high, 4));
}

std::string lower_case(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

// Every figure per pair with its interval; "" where no model has any.
std::string interval_table(const ReportData& data, Sheets& sheets, const std::string& protocol) {
  std::vector<std::string> header = {"model"};
  for (const Column& column : kColumns) header.push_back(column.name);
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores* model : whole_models(data)) {
    const auto found = model->protocols.find(protocol);
    if (found == model->protocols.end() || found->second.intervals.empty()) continue;
    std::vector<Cell> row = {text_cell(model->name)};
    for (const Column& column : kColumns)
      row.push_back({interval_cell(value_in(found->second.pairs, column).value_or(0),
                                   found->second.intervals, lower_case(column.name)),
                     ""});
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  return "<details><summary>Per pair, with 95 % intervals (dialogues drawn)</summary>\n" +
         sheets.table(protocol + "-intervals", header, rows) + "</details>\n";
}

std::string protocols(const ReportData& data, Sheets& sheets) {
  std::string html;
  for (Protocol protocol : kProtocols) {
    const std::string name = protocol_name(protocol);
    Rankings pairs, messages;
    for (const ModelScores* model : whole_models(data)) {
      const auto found = model->protocols.find(name);
      if (found == model->protocols.end() || found->second.pairs.empty() ||
          found->second.messages.empty())
        continue;
      pairs.emplace_back(model->name, &found->second.pairs);
      messages.emplace_back(model->name, &found->second.messages);
    }
    if (pairs.empty()) continue;
    html += element("h3", escape_html(protocol_title(protocol)));
    html += ranking_table(sheets, name + "-pairs", pairs, "pairs");
    html += "<details><summary>Per message: any of its items counts</summary>\n" +
            ranking_table(sheets, name + "-messages", messages, "messages") + "</details>\n" +
            interval_table(data, sheets, name);
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

// ---- whole dialogues, lists ----

std::string dialogues(const ReportData& data, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores* model : whole_models(data)) {
    if (!model->dialogues) continue;
    std::vector<Cell> row = {text_cell(model->name)};
    const DialogueScores& own = *model->dialogues;
    for (std::size_t k = 0; k < std::size(kCutoffs); ++k)
      row.push_back(
          {interval_cell(own.success[k], own.intervals, "sr@" + std::to_string(kCutoffs[k])), ""});
    for (std::size_t k = 0; k < std::size(kCutoffs); ++k)
      row.push_back(
          {interval_cell(own.reward[k], own.intervals, "rdl@" + std::to_string(kCutoffs[k])), ""});
    row.push_back(count_cell(static_cast<std::size_t>(model->dialogues->dialogues)));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  std::vector<std::string> header = {"model"};
  for (const char* metric : {"SR@", "RDL@"})
    for (std::size_t k : kCutoffs) header.push_back(metric + std::to_string(k));
  header.push_back("dialogues");
  return element("h2", "Whole dialogues") +
         paragraph(
             "Over dialogues with a new item that the seeker liked. SR: the share in which at "
             "least one such item was among the first k. RDL: what was found, 1 for an item not "
             "seen before and .5 for one seen, divided by the recommender's turns of the dialogue. "
             "In brackets the 95 % interval, dialogues drawn.",
             "soft") +
         sheets.table("dialogues", header, rows);
}

std::string lists(const ReportData& data, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores* model : whole_models(data)) {
    if (model->lists.empty()) continue;
    std::vector<Cell> row = {text_cell(model->name)};
    for (const char* protocol : {"v1", "v2"}) {
      const auto found = model->lists.find(protocol);
      const bool is_there = found != model->lists.end();
      row.push_back(
          number_cell(is_there ? std::optional(found->second.coverage) : std::nullopt, 4));
      row.push_back(number_cell(is_there ? std::optional(found->second.gini) : std::nullopt, 4));
    }
    row.push_back(count_cell(static_cast<std::size_t>(model->lists.begin()->second.lists)));
    row.push_back(count_cell(static_cast<std::size_t>(model->lists.begin()->second.items)));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  return element("h2", "What the lists are made of") +
         paragraph(
             "The ten best items of every message. Coverage: the share of the catalogue that "
             "stands in any list. Gini: 0 where all items stand there equally often, near 1 where "
             "a few have all places.",
             "soft") +
         sheets.table("lists",
                      {"model", "V1 coverage@10", "V1 Gini@10", "V2 coverage@10", "V2 Gini@10",
                       "lists", "items"},
                      rows);
}

std::string context(const ReportData& data, Sheets& sheets) {
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores& model : data.models)
    if (model.context)
      rows.push_back({text_cell(model.name), number_cell(model.context->weight, 3),
                      number_cell(model.context->consistency, 3),
                      count_cell(static_cast<std::size_t>(model.context->dialogues))});
  if (rows.empty()) return "";
  return element("h2", "What is made of the conversation") +
         paragraph(
             "Weight: how far the probabilities of the items move when what the seeker said is "
             "taken away (total variation, 0 to 1). Consistency: the share of the ten best items "
             "that are still among them before the next message. A policy that loses either may "
             "have drifted off the conversation.",
             "soft") +
         sheets.table("context", {"model", "weight", "consistency", "dialogues"}, rows);
}

// ---- slices ----

struct SliceGroup {
  const char* group;
  const char* title;
};
constexpr SliceGroup kGroups[] = {
    {"frequency", "by how often training recommends the item"},
    {"depth", "by the turns before the message"},
    {"length", "by the turns of the whole dialogue"},
};

std::string slice_table(const ReportData& data, Sheets& sheets, const std::string& protocol,
                        const char* group, const Column& column) {
  std::vector<std::string> header = {"model"};
  std::vector<std::string> slices;
  for (const ModelScores* model : whole_models(data))
    for (const SliceScores& slice : model->slices)
      if (slice.protocol == protocol && slice.group == group &&
          std::find(slices.begin(), slices.end(), slice.slice) == slices.end()) {
        slices.push_back(slice.slice);
        const std::size_t pairs = slice.scores.pairs.empty() ? 0 : slice.scores.pairs.front().count;
        header.push_back(slice.slice + " (" + std::to_string(pairs) + " pairs)");
      }
  if (slices.empty()) return "";
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores* model : whole_models(data)) {
    if (model->slices.empty()) continue;
    std::vector<Cell> row = {text_cell(model->name)};
    for (const std::string& name : slices) {
      std::optional<double> value;
      for (const SliceScores& slice : model->slices)
        if (slice.protocol == protocol && slice.group == group && slice.slice == name)
          value = value_in(slice.scores.pairs, column);
      row.push_back(number_cell(value, 4));
    }
    rows.push_back(std::move(row));
  }
  return sheets.table("slices-" + protocol + "-" + group + "-" + column.name, header, rows);
}

std::string slices(const ReportData& data, Sheets& sheets) {
  const Column &hits = kColumns[2], &gains = kColumns[5];
  std::string html;
  for (const SliceGroup& group : kGroups) {
    const std::string main = slice_table(data, sheets, "v2", group.group, hits);
    const std::string more = slice_table(data, sheets, "v2", group.group, gains);
    const std::string repeats = slice_table(data, sheets, "v1", group.group, hits);
    if (main.empty() && repeats.empty()) continue;
    html += element("h3", std::string("V2, HR@10, ") + group.title) + main +
            "<details><summary>NDCG@10 in V2; HR@10 in V1</summary>\n" + more + repeats +
            "</details>\n";
  }
  return html.empty() ? "" : element("h2", "By kind of item and place") + html;
}

// ---- the ranker's terms ----

std::string terms(const ReportData& data, Sheets& sheets) {
  constexpr std::pair<const char*, const char*> kShown[] = {
      {"v1", "hr@10"}, {"v2", "hr@5"}, {"v2", "hr@10"}, {"v2", "ndcg@10"}};
  std::vector<std::vector<Cell>> rows;
  std::vector<std::string> shown;  // the whole models that have a row
  for (const ModelScores& model : data.models) {
    const std::size_t at = model.name.find(kWithout);
    if (at == std::string::npos) continue;
    const std::string whole_name = model.name.substr(0, at);
    const auto whole =
        std::find_if(data.models.begin(), data.models.end(),
                     [&](const ModelScores& other) { return other.name == whole_name; });
    if (whole != data.models.end() &&
        std::find(shown.begin(), shown.end(), whole_name) == shown.end()) {
      shown.push_back(whole_name);
      std::vector<Cell> row = {text_cell(whole_name), {"all", ""}};
      for (const auto& [protocol, metric] : kShown)
        row.push_back(number_cell(find_score(*whole, protocol, metric), 4));
      rows.push_back(std::move(row));
    }
    std::vector<Cell> row = {text_cell(whole_name),
                             text_cell("without " + model.name.substr(at + kWithout.size()))};
    for (const auto& [protocol, metric] : kShown) {
      const auto without = find_score(model, protocol, metric);
      const auto with =
          whole == data.models.end() ? std::nullopt : find_score(*whole, protocol, metric);
      Cell cell = number_cell(without, 4);
      if (without && with)
        cell.html +=
            " <span class=\"soft\">(" + base::signed_fixed(*without - *with, 4) + ")</span>";
      row.push_back(std::move(cell));
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  return element("h2", "What each term of the ranker is worth") +
         paragraph(
             "The ranker with one of its terms switched off and nothing trained anew; in "
             "brackets the change.",
             "soft") +
         sheets.table("terms", {"model", "terms", "V1 HR@10", "V2 HR@5", "V2 HR@10", "V2 NDCG@10"},
                      rows);
}

// ---- figures to stand beside those of others ----

std::string rule_table(const ReportData& data, Sheets& sheets, const std::string& rule) {
  std::vector<std::vector<Cell>> rows;
  for (const ModelScores* model : whole_models(data)) {
    std::vector<Cell> row = {text_cell(model->name)};
    bool measured = false;
    for (const char* protocol : {"v1", "v2"}) {
      const std::string name = std::string(protocol) + "-" + rule;
      for (const char* metric : {"hr@1", "hr@10", "hr@50"})
        row.push_back(number_cell(find_score(*model, name, metric), 4));
      const auto found = model->protocols.find(name);
      const bool is_there = found != model->protocols.end() && !found->second.pairs.empty();
      row.push_back(is_there ? count_cell(found->second.pairs.front().count) : Cell{"–", ""});
      measured |= is_there;
    }
    if (measured) rows.push_back(std::move(row));
  }
  if (rows.empty()) return "";
  return sheets.table(
      "rule-" + rule,
      {"model", "V1 HR@1", "HR@10", "HR@50", "pairs", "V2 HR@1", "HR@10", "HR@50", "pairs"}, rows);
}

std::string rules(const ReportData& data, Sheets& sheets) {
  const std::string kbrd = rule_table(data, sheets, "kbrd"),
                    unicrs = rule_table(data, sheets, "unicrs");
  if (kbrd.empty() && unicrs.empty()) return "";
  return element("h2", "By the rules of others") +
         paragraph(
             "The same rankings, counted as other programs count. Both read the recommender's "
             "messages in a row as one turn. The rest of what those programs do (their split, "
             "their candidates, what they see) is not copied.",
             "soft") +
         (kbrd.empty() ? ""
                       : element("h3", "KBRD: an item once a turn, the opening turn too") + kbrd) +
         (unicrs.empty()
              ? ""
              : element("h3", "UniCRS, CRSLab: every mention counts, the opening turn does not") +
                    unicrs);
}

std::string sampled(const ReportData& data, Sheets& sheets) {
  std::string html;
  for (const NegativeKind kind : kNegativeKinds) {
    std::vector<std::string> header = {"model"};
    for (std::size_t count : kNegativeCounts)
      for (const char* metric : {"HR@1", "HR@5", "HR@10", "NDCG@5"})
        header.push_back("1+" + std::to_string(count) + " " + metric);
    header.push_back("pairs");
    std::vector<std::vector<Cell>> rows;
    for (const ModelScores* model : whole_models(data)) {
      std::vector<Cell> row = {text_cell(model->name)};
      std::size_t pairs = 0;
      for (std::size_t count : kNegativeCounts) {
        const std::string name = sampled_name(kind, count);
        for (const char* metric : {"hr@1", "hr@5", "hr@10", "ndcg@5"})
          row.push_back(number_cell(find_score(*model, name, metric), 4));
        const auto found = model->protocols.find(name);
        if (found != model->protocols.end() && !found->second.pairs.empty())
          pairs = found->second.pairs.front().count;
      }
      row.push_back(count_cell(pairs));
      if (pairs > 0) rows.push_back(std::move(row));
    }
    if (rows.empty()) continue;
    const bool uniform = kind == NegativeKind::uniform;
    html += element("h3", uniform ? "Others drawn from all items alike"
                                  : "Others drawn in proportion to popularity") +
            sheets.table(uniform ? "v4-uniform" : "v4-popular", header, rows);
  }
  if (html.empty()) return "";
  return element("h2", "V4: among a few sampled items") +
         paragraph(
             "One item of V2 among 19, 49 or 99 that were drawn, the same for every model. These "
             "figures say how the others were drawn rather than how good a model is: read each "
             "beside the row of popularity, and never beside a figure over the full catalogue.",
             "soft") +
         html;
}

}  // namespace

std::string rankings(const ReportData& data, Sheets& sheets) {
  std::string html = protocols(data, sheets);
  html += dialogues(data, sheets);
  html += lists(data, sheets);
  html += context(data, sheets);
  html += slices(data, sheets);
  html += terms(data, sheets);
  html += rules(data, sheets);
  return html + sampled(data, sheets);
}

}  // namespace evaluate
