#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "base/random.h"
#include "evaluate/examples.h"
#include "evaluate/report.h"
#include "evaluate/trec.h"
#include "harness.h"

namespace bench {
namespace {

constexpr int kDialogues = 1300, kTurns = 18, kItems = 7000, kSystems = 10;

// Dialogues as long as ReDial's, a film in four of ten messages of the recommender.
std::vector<dialogue::Dialogue> make_dialogues() {
  std::vector<dialogue::Dialogue> dialogues(kDialogues);
  base::Random random({.seed = 1, .stage = "bench/evaluation"});
  const auto popular = [&] {  // about one over the rank
    return static_cast<int>(std::exp(random.uniform() * std::log(kItems))) - 1;
  };
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    dialogues[d].id = std::to_string(d);
    for (int t = 0; t < kTurns; ++t) {
      dialogue::Turn turn;
      turn.id = std::to_string(t);
      turn.role = t % 2 ? dialogue::Role::recommender : dialogue::Role::seeker;
      turn.text = "I would say that you might like";
      if (random.chance(t % 2 ? .43 : .2)) {
        turn.mentions.push_back({popular(), turn.text.size() + 1, turn.text.size() + 2});
        turn.text += " @, have you seen it?";
        dialogues[d].seeker_labels.push_back(
            {turn.mentions[0].item, random.chance(.6), random.chance(.4), random.chance(.8)});
      }
      dialogues[d].turns.push_back(std::move(turn));
    }
  }
  return dialogues;
}

dialogue::Catalogue make_catalogue() {
  std::vector<dialogue::Item> items;
  for (int i = 0; i < kItems; ++i)
    items.push_back(
        {std::to_string(i), "Film number " + std::to_string(i) + " (1999)", "", {}, {}});
  return dialogue::Catalogue(std::move(items));
}

// Ranks by numbers that cost next to nothing, and answers with a title.
class Numbers : public dialogue::Recommender {
 public:
  Numbers(std::string name, std::uint64_t seed, const dialogue::Catalogue& catalogue)
      : name_(std::move(name)), seed_(seed), catalogue_(catalogue) {}
  std::string name() const override { return name_; }
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override {
    std::vector<std::vector<float>> rows;
    for (const dialogue::State& state : states) {
      std::vector<float> row(kItems);
      std::uint32_t bits = static_cast<std::uint32_t>(
          seed_ * 977 + static_cast<unsigned>(state.turns) + 31 * state.items.size());
      for (int i = 0; i < kItems; ++i) {
        bits = bits * 1664525u + 1013904223u;
        row[static_cast<std::size_t>(i)] =
            -static_cast<float>(bits >> 8) * 2e-7f - static_cast<float>(i) * 1e-3f;
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }
  std::int64_t open(const dialogue::State&, const dialogue::Sampling& sampling) override {
    streams_.push_back(sampling.stream);
    return static_cast<std::int64_t>(streams_.size()) - 1;
  }
  std::vector<dialogue::ReplyStep> step() override {
    std::vector<dialogue::ReplyStep> steps;
    for (; stepped_ < streams_.size(); ++stepped_)
      steps.push_back({static_cast<std::int64_t>(stepped_), "", true});
    return steps;
  }
  dialogue::Reply close(std::int64_t id) override {
    dialogue::Action action;
    action.recommends = true;
    action.item = static_cast<int>((streams_[static_cast<std::size_t>(id)] * 131 + seed_) % kItems);
    action.text = "You should really watch " + catalogue_[*action.item].title + ", it is " +
                  (*action.item % 3 ? "good" : "a lot of fun") + "!";
    action.mentions = {{*action.item, 24, 24 + catalogue_[*action.item].title.size()}};
    return {id, std::move(action), {}};
  }

 private:
  std::string name_;
  std::uint64_t seed_;
  const dialogue::Catalogue& catalogue_;
  std::vector<std::uint64_t> streams_;
  std::size_t stepped_ = 0;
};

// Every metric against the first system, in every protocol.
std::vector<evaluate::Declared> declare(const std::vector<evaluate::ModelRanking>& rankings) {
  std::vector<evaluate::Declared> declared;
  for (std::size_t m = 1; m < rankings.size(); ++m)
    for (const evaluate::Protocol protocol : evaluate::kProtocols)
      for (const char* metric : {"hr@1", "hr@5", "hr@10", "hr@50", "ndcg@5", "ndcg@10", "mrr@10"})
        declared.push_back(
            {evaluate::protocol_name(protocol), metric, rankings[m].model, rankings[0].model});
  return declared;
}

base::Json evaluate_all(const std::vector<dialogue::Dialogue>& dialogues,
                        const dialogue::Catalogue& catalogue) {
  std::vector<const dialogue::Dialogue*> pointers;
  for (const dialogue::Dialogue& dialogue : dialogues) pointers.push_back(&dialogue);
  evaluate::Examples examples;
  std::vector<evaluate::ModelRanking> rankings;
  evaluate::ReportData data;
  const base::TemporaryFolder folder;
  double scoring = 0, files = 0, text = 0, ranking = 0;
  const double making = seconds([&] {
    examples = evaluate::make_examples(
        pointers, {.frequencies = evaluate::recommender_mentions(pointers, kItems)});
    evaluate::write_qrels(folder.path(), examples, catalogue);
  });
  for (std::uint64_t m = 0; m < kSystems; ++m) {
    Numbers system(m == 0 ? "popularity" : "system-" + std::to_string(m), m, catalogue);
    evaluate::ExampleRankings own;
    ranking += seconds([&] { own = evaluate::rank_examples(system, examples, catalogue); });
    scoring += seconds([&] { data.models.push_back(evaluate::score_examples(own, examples)); });
    files += seconds([&] { evaluate::write_run(folder.path(), own, examples, catalogue); });
    text += seconds([&] {
      const auto responses = evaluate::collect_responses(system, examples.own, catalogue, {});
      data.models.back().text = evaluate::score_text(responses);
      evaluate::check_responses(system.name(), responses);
    });
    rankings.push_back(std::move(own.own));
  }
  const double comparing = seconds([&] {
    data.comparisons = evaluate::compare(rankings, examples.own, declare(rankings));
    evaluate::correct_for_number(data.comparisons);
  });
  const double reporting = seconds([&] {
    evaluate::check_scores(data.models);
    evaluate::check_instances(examples.own, catalogue);
    evaluate::write_report(folder.path(), data);
  });
  return {{"messages", examples.own.size()},
          {"comparisons", data.comparisons.size()},
          {"examples_seconds", making},
          {"ranking_seconds", ranking},
          {"scoring_seconds", scoring},
          {"trec_seconds", files},
          {"text_seconds", text},
          {"comparing_seconds", comparing},
          {"report_seconds", reporting},
          {"seconds", making + ranking + scoring + files + text + comparing + reporting}};
}

base::Json run(const Options& options) {
  const std::vector<dialogue::Dialogue> dialogues = make_dialogues();
  const dialogue::Catalogue catalogue = make_catalogue();
  base::Json best;
  for (int i = 0; i < std::min(options.rounds, 3); ++i) {
    const base::Json figures = evaluate_all(dialogues, catalogue);
    if (best.is_null() || figures["seconds"] < best["seconds"]) best = figures;
  }
  return best;
}

}  // namespace

Benchmark evaluation_benchmark() {
  return {"evaluation", "measure ten systems on 5,000 messages: all protocols, texts, comparisons",
          run};
}

}  // namespace bench
