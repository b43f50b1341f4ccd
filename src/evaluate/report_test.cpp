#include "evaluate/report.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "evaluate/html.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

const char* const kHostile = "<script>alert('x')</script>&\"";

ModelScores model(const std::string& name, double shift) {
  ModelScores scores;
  scores.name = name;
  for (const char* protocol : {"v1", "v2", "v3", "ln"})
    for (std::size_t k : kCutoffs) {
      const double hit = shift + .01 * static_cast<double>(k);
      scores.protocols[protocol].pairs.push_back({k, 40, hit, hit * .7, hit * .5});
      scores.protocols[protocol].messages.push_back({k, 30, hit + .1, hit * .8, hit * .6});
    }
  scores.text = TextScores{.bleu4 = 3.25,
                           .signature = "nrefs:1",
                           .distinct = {.1, .2, .3, .4},
                           .mean_length = 11.5,
                           .replies = 20,
                           .recommending = 12,
                           .faithfulness = .75,
                           .perplexity = 22.5,
                           .perplexity_tokens = 900};
  scores.world = WorldScores{.satisfaction = .5 + shift,
                             .low = .45,
                             .high = .62,
                             .episodes = 200,
                             .people = 180,
                             .turns = 5.5};
  return scores;
}

Comparison comparison(double low, double difference, double high) {
  Comparison row;
  row.protocol = "v2";
  row.metric = "hr@5";
  row.model = "ppo";
  row.against = "sft";
  row.difference = difference;
  row.low = low;
  row.high = high;
  row.p = .002;
  row.p_holm = .004;
  row.n = 40;
  row.clusters = 9;
  row.primary = true;
  return row;
}

ReportData full_report() {
  ReportData data;
  data.title = kHostile;
  data.subtitle = kHostile;
  data.models = {model("sft", .02), model(kHostile, .05)};
  data.comparisons = {comparison(.001, .021, .04), comparison(-.02, .01, .04)};
  data.comparisons[1].against = kHostile;
  data.signals = {{"sentiment", .70, .68, .72, .3, .28, 900, true},
                  {kHostile, {}, {}, {}, {}, {}, 3, false}};
  data.reward = {{kHostile, kHostile, .43, .40, .46, false}};
  data.curves = {{kHostile, kHostile, {{kHostile, {{1, 3}, {2, 2.5}, {3, 2.2}}}, {"b", {{1, 1}}}}}};
  data.gold_proxy = {{.2, .4, .50}, {.0, .0, .47}, {.5, .9, .48}};
  data.samples = {{kHostile,
                   std::string("User: ") + kHostile + "\nno speaker",
                   kHostile,
                   {{kHostile, kHostile, {{kHostile, .25}}}}}};
  data.statistics = {{"", kHostile}, {{kHostile, "7"}}};
  data.recipe = std::string("[sft]\nname = ") + kHostile;
  data.notes = {kHostile};
  data.warnings = {kHostile};
  return data;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

class Report : public testing::Test {
 protected:
  std::string page(const ReportData& data) {
    write_report(folder_.path(), data);
    return base::read_file(folder_.path() / "report.html");
  }
  base::Json json(const ReportData& data) {
    write_report(folder_.path(), data);
    return base::read_json(folder_.path() / "report.json");
  }
  base::TemporaryFolder folder_;
};

TEST(Html, EscapesWhatMeansSomething) {
  EXPECT_EQ(escape_html("<a b=\"c\" d='e'>&\x01\n"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\n");
}

TEST_F(Report, HostileTextStaysText) {
  const std::string html = page(full_report());
  EXPECT_EQ(occurrences(html, "<script"), 1u);  // the page's own
  EXPECT_EQ(html.find("alert('"), std::string::npos);
  EXPECT_GT(occurrences(html, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"), 15u);
  // In a file for LaTeX or Markdown neither; a CSV is data.
  for (const char* ending : {".tex", ".md"})
    EXPECT_EQ(base::read_file(folder_.path() / "tables" / (std::string("words") + ending))
                  .find("<script"),
              std::string::npos);
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() / "plots"))
    EXPECT_EQ(base::read_file(file.path()).find("<script"), std::string::npos) << file.path();
}

TEST_F(Report, OnlyItsOwnScriptMayRun) {
  const std::string html = page(full_report());
  const std::size_t begin = html.find("<script>") + 8, end = html.find("</script>");
  // SHA-256 of the script, in base 64, must be what the policy names.
  const std::string digits = base::sha256(html.substr(begin, end - begin));
  const std::string sign = "script-src 'sha256-";
  const std::string named = html.substr(html.find(sign) + sign.size(), 44);
  std::string bytes;
  unsigned int bits = 0, count = 0;
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const char c : named.substr(0, 43)) {
    bits = bits << 6 | static_cast<unsigned int>(letters.find(c));
    if ((count += 6) >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 255);
  }
  std::string hexadecimal;
  for (const char byte : bytes) {
    hexadecimal += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    hexadecimal += "0123456789abcdef"[byte & 15];
  }
  EXPECT_EQ(named.back(), '=');
  EXPECT_EQ(hexadecimal, digits);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
}

TEST_F(Report, EveryTableAndPlotIsAFileToo) {
  const std::string html = page(full_report());
  std::size_t tables = 0, plots = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() / "tables"))
    tables += file.path().extension() == ".csv";
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() / "plots")) {
    EXPECT_EQ(base::read_file(file.path()).find("<svg xmlns=\"http://www.w3.org/2000/svg\""), 0u);
    ++plots;
  }
  EXPECT_EQ(occurrences(html, "<table>"), tables);
  EXPECT_EQ(occurrences(html, "data-markdown="), tables);
  EXPECT_EQ(occurrences(html, "<figure data-name="), plots);
  EXPECT_EQ(plots, 3u);
  EXPECT_EQ(base::read_file(folder_.path() / "tables/world.csv").substr(0, 67),
            "model,satisfaction,95 % interval,turns,episodes,people\r\nsft,0.5200,");
  // Another report in the same place leaves nothing of this one.
  page({});
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "tables"));
}

TEST_F(Report, ShowsSlicesSampledRulesDialoguesAndTermsApart) {
  ReportData data = full_report();
  const ProtocolScores scores = data.models[0].protocols.at("v2");
  for (ModelScores& model : data.models) {
    for (const char* name : {"v1-kbrd", "v2-unicrs", "v4-uniform-19", "v4-popular-99"})
      model.protocols[name] = scores;
    model.slices = {{"v2", "frequency", "1-5", scores}, {"v1", "depth", "15+", scores}};
    model.lists = {{"v2", {.25, .9, 30, 60}}};
    model.dialogues =
        DialogueScores{{.1, .2, .3, .4}, {.01, .02, .03, .04}, 9, {{"sr@5", {.15, .25}}}};
    model.protocols["v2"].intervals = {{"hr@10", {.08, .16}}};
    model.interactive = InteractiveScores{
        .dialogues = 5, .success = {.4, .2, .6, 5}, .turns = {}, .satisfaction = {}, .unknown = {}};
  }
  data.models.push_back(model("sft-without-words", .01));
  data.comparisons[0].error = .01;
  data.comparisons[0].detectable = .028;
  data.comparisons[0].power = .55;
  data.evaluation =
      Registered{"test.jsonl.evaluations.jsonl", {"d1", "m1", "r1", "run", "now"}, 2, 1};
  const std::string html = page(data);
  for (const char* name :
       {"power", "dialogues", "lists", "slices-v2-frequency-hr-10", "slices-v1-depth-hr-10",
        "terms", "rule-kbrd", "rule-unicrs", "v4-uniform", "v4-popular", "interactive", "variety"})
    EXPECT_TRUE(std::filesystem::exists(folder_.path() / "tables" / (std::string(name) + ".csv")))
        << name;
  EXPECT_EQ(base::read_file(folder_.path() / "tables/terms.csv"),
            "model,terms,V1 HR@10,V2 HR@5,V2 HR@10,V2 NDCG@10\r\n"
            "sft,all,0.1200,0.0700,0.1200,0.0840\r\n"
            "sft,without words,0.1100 (-0.0100),0.0600 (-0.0100),0.1100 (-0.0100),"
            "0.0770 (-0.0070)\r\n");
  EXPECT_NE(
      base::read_file(folder_.path() / "tables/dialogues.csv").find("0.2000 [0.1500, 0.2500]"),
      std::string::npos);
  EXPECT_NE(
      base::read_file(folder_.path() / "tables/v2-intervals.csv").find("0.1200 [0.0800, 0.1600]"),
      std::string::npos);
  // A ranker without a term is nowhere else.
  EXPECT_EQ(base::read_file(folder_.path() / "tables/v2-pairs.csv").find("without"),
            std::string::npos);
  EXPECT_NE(html.find("Evaluated before with other models or settings: 2"), std::string::npos);
  EXPECT_EQ(json(data)["evaluation"]["others"], 2);
  EXPECT_EQ(json(data)["comparisons"][0]["detectable"], .028);
}

TEST(Html, PlainTextIsWhatABrowserShows) {
  EXPECT_EQ(plain_text(escape_html("a < \"b\" & 'c'")), "a < \"b\" & 'c'");
  EXPECT_EQ(plain_text("<b>+1</b> x<svg class=\"y\"><line/></svg>"), "+1 x");
}

TEST_F(Report, NothingIsLoadedFromAnywhere) {
  const std::string html = page(full_report());
  for (const char* sign : {"http://", "https://", "src=", "url(", "@import", "<link", "<img"})
    EXPECT_EQ(html.find(sign), std::string::npos) << sign;
}

TEST_F(Report, WhatIsEmptyIsLeftOut) {
  const std::string html = page({});
  for (const char* sign : {"<table", "<figure", "<h2", "class=\"findings\""})
    EXPECT_EQ(html.find(sign), std::string::npos) << sign;
}

TEST_F(Report, IntervalsWithoutZeroAreBold) {
  const std::string html = page(full_report());
  EXPECT_NE(html.find("<b>+0.0210 [+0.0010, +0.0400]</b>"), std::string::npos);
  EXPECT_EQ(html.find("<b>+0.0100"), std::string::npos);
  EXPECT_NE(html.find("+0.0100 [-0.0200, +0.0400]"), std::string::npos);
}

TEST_F(Report, JsonHasTheDocumentedFields) {
  const base::Json json = this->json(full_report());
  EXPECT_EQ(json["schema"], "attune.report/1");
  const base::Json& sft = json["models"][0];
  EXPECT_EQ(sft["name"], "sft");
  for (const char* protocol : {"v1", "v2", "v3", "ln"}) {
    EXPECT_NEAR(sft["scores"][protocol]["hr@5"].get<double>(), .07, 1e-12);
    EXPECT_EQ(sft["scores"][protocol]["n"], 40);
    EXPECT_NEAR(sft["scores"][protocol]["messages"]["hr@1"].get<double>(), .13, 1e-12);
    EXPECT_EQ(sft["scores"][protocol]["messages"]["n"], 30);
  }
  EXPECT_EQ(sft["scores"]["text"]["bleu4"], 3.25);
  EXPECT_EQ(sft["scores"]["text"]["distinct2"], .2);
  EXPECT_EQ(sft["scores"]["world"]["n"], 200);
  for (const char* key : {"protocol", "metric", "model", "against", "difference", "low", "high",
                          "p", "n", "clusters"})
    EXPECT_TRUE(json["comparisons"][0].contains(key)) << key;
  EXPECT_EQ(json["signals"][0]["auc"], .70);
  EXPECT_TRUE(json["signals"][1]["auc"].is_null());
  EXPECT_EQ(json["gold_proxy"].size(), 3u);
}

TEST_F(Report, ModelsAreReadBackAsTheyWere) {
  const base::Json before = json(full_report());
  ReportData again;
  again.models = read_report_models(folder_.path() / "report.json");
  EXPECT_EQ(json(again)["models"], before["models"]);
  EXPECT_NEAR(*find_score(again.models[0], "v2", "hr@10"), .12, 1e-12);
  EXPECT_FALSE(find_score(again.models[0], "v2", "hr@7").has_value());
}

TEST_F(Report, ANewerOneIsRefused) {
  base::write_file(folder_.path() / "report.json", R"({"schema":"attune.report/2","models":[]})");
  EXPECT_THROW(read_report_models(folder_.path() / "report.json"), base::DataError);
  base::write_file(folder_.path() / "report.json", R"({"schema":"attune.report/1"})");
  EXPECT_THROW(read_report_models(folder_.path() / "report.json"), base::DataError);
}

TEST_F(Report, HalfACharacterDoesNotStopIt) {
  ReportData data = full_report();
  data.samples[0].replies[0].text = "half \xF0\x9F";
  EXPECT_EQ(json(data)["samples"][0]["replies"][0]["text"].get<std::string>().substr(0, 5),
            "half ");
}

TEST(Findings, SayBetterWorseOrNothing) {
  EXPECT_EQ(finding(comparison(.001, .021, .04)),
            "ppo is better than sft in HR@5 in V2: +2.10 points (95 % interval +0.10 to +4.00 "
            "points; 40 pairs, 9 dialogues).");
  EXPECT_EQ(finding(comparison(-.04, -.02, -.001)).find("ppo is worse than sft"), 0u);
  EXPECT_EQ(finding(comparison(-.04, -.02, .001)).find("No difference was shown"), 0u);
}

TEST(Warnings, NameWhatDoesNotBeatPopularity) {
  EXPECT_TRUE(check_scores({model("popularity", .01), model("sft", .02)}).empty());
  const auto warnings = check_scores({model("popularity", .03), model("sft", .02)});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].find("sft does not beat popularity"), 0u);
}

TEST(Signals, AreReadFromTheSignalsStage) {
  const base::Json list = base::parse_json(
      R"([{"name":"sentiment","auc":0.7,"low":0.6,"high":0.8,"n":9,"validated":true,
           "pearson":{"value":0.3,"low":0.2,"high":0.4},"spearman":null}])",
      "test");
  const auto signals = signal_scores_from_json(list, "test");
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_EQ(signals[0].pearson, .3);
  EXPECT_FALSE(signals[0].spearman.has_value());
  EXPECT_THROW(signal_scores_from_json(base::Json::object(), "test"), base::DataError);
}

TEST(Samples, ShowBothModelsAtTheSamePlace) {
  const auto dialogues = test::two_dialogues();
  const auto instances = make_instances(test::pointers(dialogues));
  const auto catalogue = test::letters(6);
  std::vector<std::vector<Response>> responses;
  std::vector<ModelRanking> rankings;
  for (const char* name : {"sft", "ppo"}) {
    dialogue::Action action;
    action.text = std::string(name) + " says";
    test::FixedRecommender recommender(
        name, [](const dialogue::State&) { return std::vector<float>{-6, -5, -4, -3, -2, -1}; },
        action);
    rankings.push_back(rank_instances(recommender, instances, catalogue));
    responses.push_back(collect_responses(recommender, instances, catalogue, {}));
  }
  const auto samples = make_samples(responses, rankings, instances, catalogue, 2);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[1].query, "7/3");
  ASSERT_EQ(samples[1].replies.size(), 2u);
  EXPECT_EQ(samples[1].replies[1].text, "ppo says");
  ASSERT_EQ(samples[1].replies[1].items.size(), 3u);  // A, B, C are named already
  EXPECT_EQ(samples[1].replies[1].items[0].first, "F");
  EXPECT_NEAR(samples[1].replies[1].items[0].second, std::exp(-1.), 1e-6);
}

TEST(Plots, TicksAreRound) {
  EXPECT_EQ(ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(tick_label(.25, .05), "0.25");
  EXPECT_EQ(tick_label(20000, 5000), "20k");
  EXPECT_EQ(tick_label(-3, 1), "-3");
}

TEST(Plots, ValuesThatAreNotNumbersAreLeftOut) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(draw_plot({"t", "x", {{"s", {{1, nan}}}}}), "");
  const std::string svg = draw_plot({"t", "x", {{"s", {{1, nan}, {2, 5}, {3, 5}}}}});
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(Plots, LongSeriesAreThinned) {
  Series series{"s", {}};
  for (int i = 0; i < 5000; ++i) series.points.emplace_back(i, i % 7);
  EXPECT_LT(draw_plot({"t", "x", {series}}).size(), 6000u);
}

}  // namespace
}  // namespace evaluate
