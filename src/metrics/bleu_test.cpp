#include "metrics/bleu.h"

#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/test_data.h"

namespace metrics {
namespace {

using base::Json;
using Texts = std::vector<std::string>;

std::string joined(const Texts& tokens) {
  std::string out;
  for (const std::string& token : tokens) (out += out.empty() ? "" : " ") += token;
  return out;
}

TEST(Bleu, The13aTokenizerSetsPunctuationApart) {
  EXPECT_EQ(joined(bleu_tokens("It's 3.5, (really) 10-year-old &quot;x&quot;...")),
            "It's 3.5 , ( really ) 10 - year-old \" x \" . . .");
  EXPECT_EQ(joined(bleu_tokens("Smith, J. 1,000.")), "Smith , J . 1,000 .");
  EXPECT_EQ(joined(bleu_tokens("")), "");
}

TEST(Bleu, WhiteSpaceOfAnyScriptIsCutOffTheEndBeforeALineEndIsJoined) {
  // U+00A0 and U+3000 are cut, so the last "-\n" is no hyphen between lines and its dash stays.
  EXPECT_EQ(bleu_tokens("film-\n \xC2\xA0\xE3\x80\x80"), (std::vector<std::string>{"film-"}));
  EXPECT_EQ(bleu_tokens("film-\nstar"), (std::vector<std::string>{"filmstar"}));
}

TEST(Bleu, IsWorkedOutByHand) {
  // "a b c d" against "a b c e": precisions 3/4, 2/3, 1/2, and 0/1 smoothed to 1/2 of one.
  const BleuScore score = corpus_bleu({"a b c d"}, {{"a b c e"}});
  EXPECT_NEAR(score.score, 100 * std::pow(.75 * 2 / 3 * .5 * .5, .25), 1e-9);
  EXPECT_EQ(score.brevity_penalty, 1);
  EXPECT_EQ(score.signature, "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:attune-1");
  // Half as long as its reference: exp(1 - 8/4).
  EXPECT_NEAR(corpus_bleu({"a b c d"}, {{"a b c d e f g h"}}).score, 100 * std::exp(-1), 1e-9);
  EXPECT_EQ(corpus_bleu({"x"}, {{"y"}}).score, 0);
  EXPECT_EQ(corpus_bleu({""}, {{"y"}}).score, 0);
}

TEST(Bleu, TheSignatureSaysWhatWasDone) {
  BleuOptions options{.order = 2,
                      .tokenizer = BleuTokenizer::whitespace,
                      .smoothing = BleuSmoothing::floor,
                      .letter_case = BleuCase::lower_ascii,
                      .averaging = BleuOrder::effective};
  EXPECT_EQ(corpus_bleu({"A"}, {{"a", "b"}}, options).signature,
            "nrefs:2|case:lc-ascii|eff:yes|tok:none|smooth:floor[0.10]|order:2|version:attune-1");
  EXPECT_NEAR(corpus_bleu({"A"}, {{"a", "b"}}, options).score, 100, 1e-9);
  EXPECT_EQ(corpus_bleu({"A"}, {{"a"}}, {.items = BleuItems::masked}).signature,
            "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|items:masked|version:attune-1");
}

TEST(Bleu, ManySentencesGiveWhatTheirSumGives) {
  // 600 times "a b" against "a c": 1-grams 1 of 2, 2-grams 0 of 1.
  const std::vector<std::string> hypotheses(600, "a b");
  const std::vector<std::vector<std::string>> references(600, {"a c"});
  const BleuCounts counts = corpus_bleu(hypotheses, references).counts;
  EXPECT_EQ(counts.matches, (std::vector<double>{600, 0, 0, 0}));
  EXPECT_EQ(counts.totals, (std::vector<double>{1200, 600, 0, 0}));
  EXPECT_EQ(counts.hypothesis_length, 1200);
}

TEST(Bleu, ListsThatDoNotFitAreRefused) {
  EXPECT_THROW(corpus_bleu({"a"}, {}), base::Error);
  EXPECT_THROW(corpus_bleu({"a"}, {{}}), base::Error);
}

class BleuVectors : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = base::test::data_folder() / "test_vectors/bleu";
    if (!exists(folder_)) GTEST_SKIP() << "skipped: no " << folder_;
  }
  std::filesystem::path folder_;
};

// One list a stream of references -> one list a sentence.
std::vector<Texts> by_sentence(const Json& streams) {
  std::vector<Texts> out(streams[0].size());
  for (const Json& stream : streams)
    for (std::size_t i = 0; i < stream.size(); ++i) out[i].push_back(stream[i].get<std::string>());
  return out;
}

BleuSmoothing smoothing_named(const std::string& name) {
  if (name.starts_with("exp")) return BleuSmoothing::exp;
  if (name == "floor") return BleuSmoothing::floor;
  return name == "add-k" ? BleuSmoothing::add_k : BleuSmoothing::none;
}

TEST_F(BleuVectors, AgreesWithSacrebleuOnRawText) {
  const Json root = base::read_json(folder_ / "sacrebleu_cases.json");
  BleuOptions options{.tokenizer = BleuTokenizer::whitespace,
                      .smoothing = BleuSmoothing::floor,
                      .smoothing_value = .01};
  for (const char* name : {"raw_corpus_bleu_no_tokenization_floor_0.01_unit_0_1",
                           "raw_corpus_bleu_effective_order_floor_0.01_unit_0_1"}) {
    options.averaging = std::string(name).find("effective") != std::string::npos
                            ? BleuOrder::effective
                            : BleuOrder::full;
    for (const Json& item : root[name])
      EXPECT_NEAR(
          corpus_bleu(item["hyp"].get<Texts>(), by_sentence(item["refs"]), options).score / 100,
          item["bleu"].get<double>(), 1e-8);
  }
  const Json& offset = root["raw_corpus_bleu_smoothing_offset_unit_0_1"][0];
  for (const double value : {0.1, 0.0}) {
    options.averaging = BleuOrder::full;
    options.smoothing_value = value;
    const BleuScore score =
        corpus_bleu(offset["hyp"].get<Texts>(), by_sentence(offset["refs"]), options);
    EXPECT_NEAR(score.score / 100, offset[value == 0 ? "floor_0.0" : "floor_0.1"].get<double>(),
                1e-8);
    EXPECT_EQ(score.counts.matches, offset["counts"].get<std::vector<double>>());
    EXPECT_EQ(score.counts.totals, offset["totals"].get<std::vector<double>>());
  }
}

TEST_F(BleuVectors, AgreesWithSacrebleuOnCounts) {
  const Json root = base::read_json(folder_ / "sacrebleu_cases.json");
  const Json& item = root["compute_bleu_from_statistics_unit_0_1"][0];
  const BleuCounts counts{item["counts"].get<std::vector<double>>(),
                          item["totals"].get<std::vector<double>>(), item["sys_len"].get<int>(),
                          item["ref_len"].get<int>()};
  EXPECT_NEAR(bleu_of_counts(counts).score / 100, item["bleu"].get<double>(), 1e-8);
}

TEST_F(BleuVectors, AgreesWithSacrebleuOnTwoReferences) {
  const Json item = base::read_json(folder_ / "sacrebleu_cases.json")["corpus_bleu_two_refs"];
  const auto hypotheses = item["hyp"].get<Texts>();
  const auto references = by_sentence(item["refs"]);
  EXPECT_NEAR(corpus_bleu(hypotheses, references).score, 48.530827, 1e-6);
  EXPECT_NEAR(corpus_bleu(hypotheses, references, {.smoothing = BleuSmoothing::none}).score,
              48.530827, 1e-6);
  EXPECT_NEAR(corpus_bleu(hypotheses, references, {.tokenizer = BleuTokenizer::whitespace}).score,
              49.1919566, 1e-6);
  for (const auto& [order, bleu] : item["max_ngram_order"].items())
    EXPECT_NEAR(corpus_bleu(hypotheses, references, {.order = std::stoi(order)}).score,
                bleu.get<double>(), .005);
}

TEST_F(BleuVectors, AgreesWithSacrebleuOnOneSentence) {
  const Json root = base::read_json(folder_ / "sacrebleu_cases.json");
  const Json& cases = root["sentence_bleu_effective_order"];
  int compared = 0;
  for (const Json& item : cases["cases"]) {
    if (item["tokenize"] != "13a" && item["tokenize"] != "none") continue;
    BleuOptions options{.tokenizer = item["tokenize"] == "none" ? BleuTokenizer::whitespace
                                                                : BleuTokenizer::mteval_13a,
                        .smoothing = smoothing_named(item["smooth"].get<std::string>())};
    if (item["value"].is_number()) options.smoothing_value = item["value"].get<double>();
    EXPECT_NEAR(
        sentence_bleu(cases["sys"].get<std::string>(), {cases["ref"].get<std::string>()}, options)
            .score,
        item["bleu"].get<double>(), .001)
        << item.dump();
    ++compared;
  }
  EXPECT_EQ(compared, 7);
}

TEST_F(BleuVectors, AgreesWithNltk) {
  const Json root = base::read_json(folder_ / "nltk_cases.json");
  int compared = 0;
  for (const Json& item : root["sentence_bleu"]) {
    if (item.contains("smoothing")) continue;  // its epsilon is not SacreBLEU's floor
    const BleuOptions options{.order = static_cast<int>(item["weights"].size()),
                              .tokenizer = BleuTokenizer::whitespace,
                              .smoothing = BleuSmoothing::none};
    const double ours =
        corpus_bleu({item["hyp"].get<std::string>()}, {item["refs"].get<Texts>()}, options).score;
    EXPECT_NEAR(ours / 100, item["bleu"].get<double>(), 1e-4) << item.dump();
    ++compared;
  }
  for (const Json& item : root["modified_precision"]) {
    const auto n = item["n"].get<std::size_t>();
    const BleuScore score =
        corpus_bleu({item["hyp"].get<std::string>()}, {item["refs"].get<Texts>()},
                    {.tokenizer = BleuTokenizer::whitespace, .smoothing = BleuSmoothing::none});
    EXPECT_NEAR(score.counts.matches[n - 1] / score.counts.totals[n - 1], item["p"].get<double>(),
                1e-8);
    ++compared;
  }
  EXPECT_EQ(compared, 15);
}

TEST_F(BleuVectors, AgreesWithMtevalOnWmt15) {
  Texts hypotheses;
  std::vector<Texts> references;
  base::read_lines(folder_ / "wmt15_eval/google.ru",
                   [&](std::string_view line, long) { hypotheses.emplace_back(line); });
  base::read_lines(folder_ / "wmt15_eval/ref.ru",
                   [&](std::string_view line, long) { references.push_back({std::string(line)}); });
  // The line of cumulative scores: "BLEU:  0.5... 0.3... ...".
  std::vector<double> expected;
  bool cumulative = false;
  base::read_lines(folder_ / "wmt15_eval/mteval-13a.output", [&](std::string_view line, long) {
    cumulative |= line.find("Cumulative") != std::string_view::npos;
    if (!cumulative || line.find("BLEU:") == std::string_view::npos || !expected.empty()) return;
    std::istringstream in{std::string(line.substr(line.find("BLEU:") + 5))};
    for (double value; in >> value;) expected.push_back(value);
  });
  ASSERT_EQ(expected.size(), 9u);
  for (int order = 1; order <= 9; ++order) {
    const BleuOptions options{.order = order, .tokenizer = BleuTokenizer::whitespace};
    EXPECT_NEAR(corpus_bleu(hypotheses, references, options).score / 100, expected[order - 1],
                .005);  // nltk tests against these values with .005
  }
}

}  // namespace
}  // namespace metrics
