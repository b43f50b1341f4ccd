// What check_metrics.py asks of attune: BLEU, chrF, ROUGE-L, an evaluation's TREC files with our
// own scores, and a run's log.
#include <cstdio>
#include <iostream>
#include <iterator>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "base/run_log.h"
#include "evaluate/test_recommender.h"
#include "evaluate/trec.h"
#include "metrics/bleu.h"
#include "metrics/chrf.h"
#include "metrics/rouge.h"

namespace {

base::Json read_input() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  return base::parse_json(text, "standard input");
}

metrics::BleuOptions options_of(const base::Json& json) {
  using metrics::BleuSmoothing;
  const std::map<std::string, BleuSmoothing> smoothings = {{"none", BleuSmoothing::none},
                                                           {"floor", BleuSmoothing::floor},
                                                           {"add-k", BleuSmoothing::add_k},
                                                           {"exp", BleuSmoothing::exp}};
  metrics::BleuOptions options;
  options.order = json.at("order").get<int>();
  options.tokenizer = json.at("tokenize") == "none" ? metrics::BleuTokenizer::whitespace
                                                    : metrics::BleuTokenizer::mteval_13a;
  options.smoothing = smoothings.at(json.at("smooth").get<std::string>());
  if (!json.at("value").is_null()) options.smoothing_value = json.at("value").get<double>();
  options.letter_case =
      json.at("lowercase") ? metrics::BleuCase::lower_ascii : metrics::BleuCase::mixed;
  options.averaging =
      json.at("effective") ? metrics::BleuOrder::effective : metrics::BleuOrder::full;
  return options;
}

// A list of corpora, each with its options, to a list of their scores.
void bleu() {
  base::Json out = base::Json::array();
  for (const base::Json& corpus : read_input()) {
    const metrics::BleuScore score = metrics::corpus_bleu(
        corpus.at("hypotheses").get<std::vector<std::string>>(),
        corpus.at("references").get<std::vector<std::vector<std::string>>>(), options_of(corpus));
    out.push_back({{"score", score.score},
                   {"precisions", score.precisions},
                   {"brevity_penalty", score.brevity_penalty},
                   {"hypothesis_length", score.counts.hypothesis_length},
                   {"reference_length", score.counts.reference_length}});
  }
  std::cout << out.dump();
}

// A list of {"hypotheses", "references"}, one reference each, to chrF2 of the corpus and ROUGE-L's
// mean F1.
void text() {
  base::Json out = base::Json::array();
  for (const base::Json& corpus : read_input()) {
    const auto hypotheses = corpus.at("hypotheses").get<std::vector<std::string>>();
    const auto references = corpus.at("references").get<std::vector<std::string>>();
    out.push_back({{"chrf", metrics::corpus_chrf(hypotheses, references).score},
                   {"rouge_l", metrics::mean_rouge_l(hypotheses, references)}});
  }
  std::cout << out.dump();
}

// A random evaluation with many ties, messages in a row and items named twice: its TREC files in
// `folder`, its scores on standard output.
void trec(const std::filesystem::path& folder, std::uint64_t seed) {
  constexpr int kItems = 400;
  std::vector<dialogue::Item> items;
  for (int i = 0; i < kItems; ++i) items.push_back({"item " + std::to_string(i), "T", "", {}, {}});
  const dialogue::Catalogue catalogue(items);
  base::Random random({.seed = seed, .stage = "conformance"});
  std::vector<dialogue::Dialogue> dialogues(60);
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    dialogues[d].id = "c " + std::to_string(d);
    for (int t = 0; t < 8; ++t) {
      const auto role = random.below(3) == 0 ? dialogue::Role::seeker : dialogue::Role::recommender;
      const int named = static_cast<int>(random.below(60));
      const int other = static_cast<int>(random.below(kItems));
      dialogues[d].turns.push_back(
          evaluate::test::turn(std::to_string(t), role, "@ @ @", {named, other, named}));
      dialogues[d].seeker_labels.push_back({named, {}, t % 4 == 1, t % 3 == 0});
    }
  }
  std::vector<std::int64_t> frequencies(kItems);
  for (std::int64_t& frequency : frequencies) frequency = random.below(30);
  const evaluate::Examples examples = evaluate::make_examples(
      evaluate::test::pointers(dialogues), {.frequencies = std::move(frequencies), .seed = seed});
  evaluate::test::FixedRecommender recommender("some model", [&](const dialogue::State&) {
    std::vector<float> row(kItems);
    for (float& score : row) score = -static_cast<float>(random.below(20)) / 4;
    for (std::size_t i = 0; i < 60; ++i) row[i] += 3;
    return row;
  });
  const evaluate::ExampleRankings rankings =
      evaluate::rank_examples(recommender, examples, catalogue);
  evaluate::write_qrels(folder, examples, catalogue);
  evaluate::write_run(folder, rankings, examples, catalogue);
  std::cout << evaluate::to_json(evaluate::score_examples(rankings, examples)).dump();
}

// A list of {"step": n, NAME: value, …} as a run's log in `folder`, opened twice as after a crash.
void events(const std::filesystem::path& folder) {
  const base::Json steps = read_input();
  const std::size_t half = steps.size() / 2;
  const auto write = [&](std::size_t begin, std::size_t end, std::int64_t last_step) {
    base::RunLog log(folder, last_step);
    for (std::size_t i = begin; i < end; ++i) {
      base::Metrics metrics;
      for (const auto& [name, value] : steps[i].items())
        if (name != "step") metrics.emplace_back(name, value.get<double>());
      log.write(steps[i].at("step").get<std::int64_t>(), metrics);
    }
  };
  write(0, half, 0);
  write(half, steps.size(), steps[half - 1].at("step").get<std::int64_t>());
}

}  // namespace

int main(int count, char** words) try {
  const std::vector<std::string> arguments(words + 1, words + count);
  if (arguments == std::vector<std::string>{"bleu"})
    bleu();
  else if (arguments == std::vector<std::string>{"text"})
    text();
  else if (arguments.size() == 3 && arguments[0] == "trec")
    trec(arguments[1], std::stoull(arguments[2]));
  else if (arguments.size() == 2 && arguments[0] == "events")
    events(arguments[1]);
  else
    throw base::UsageError("metrics_probe bleu | text | trec FOLDER SEED | events FOLDER");
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
