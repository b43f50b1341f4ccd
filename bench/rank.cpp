#include <ATen/Parallel.h>

#include "harness.h"
#include "recommend/language_states.h"
#include "recommend/trained_recommender.h"
#include "untrained.h"

namespace bench {
namespace {

constexpr std::size_t kStates = 200;

// Milliseconds of one state: the median over all.
double milliseconds_each(const std::vector<dialogue::State>& states,
                         const std::function<void(const dialogue::State&)>& work) {
  for (std::size_t i = 0; i < 20; ++i) work(states[i]);
  std::vector<double> times;
  for (const dialogue::State& state : states) times.push_back(1e3 * seconds([&] { work(state); }));
  return median(times);
}

base::Json run(const Options& options) {
  const std::optional<dialogue::Corpus> corpus = redial_with_knowledge(options);
  if (!corpus) return nullptr;
  const std::vector<dialogue::Dialogue>& dialogues = corpus->dialogues;
  const recommend::TrainedModel model = untrained(*corpus, {.layers = 4, .heads = 4, .width = 256});
  recommend::TrainedRecommender recommender("rank", model,
                                            {.slots = 1, .type = compute_type(), .hash = "-"});
  std::vector<dialogue::State> states;
  double named = 0, words = 0;
  for (std::size_t d = 0; states.size() < kStates && d < dialogues.size(); d += 37) {
    states.push_back(dialogue::state_before(dialogues[d], dialogues[d].turns.size() / 2, {}));
    const recommend::RankContext context = model.ranker.read_state(states.back());
    named += static_cast<double>(context.items.size());
    words += static_cast<double>(context.words.size());
  }
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  std::vector<double> all, ranker;
  torch::NoGradGuard no_grad;
  const model::Weights weights = model::cast(model.language, compute_type());
  const recommend::ItemTables items =
      model.ranker.item_tables(recommend::item_embeddings(weights, model.tokens));
  for (int round = 0; round < options.rounds; ++round) {
    all.push_back(milliseconds_each(
        states, [&](const dialogue::State& state) { recommender.rank({state}); }));
    ranker.push_back(milliseconds_each(states, [&](const dialogue::State& state) {
      recommend::RankBatch batch;
      batch.contexts.push_back(model.ranker.read_state(state));
      batch.language_hidden = torch::ones({1, 256});
      batch.items = items;
      model.ranker.log_probs(batch);
    }));
  }
  at::set_num_threads(threads);
  return {{"items", corpus->catalogue.size()},
          {"items_named", named / static_cast<double>(states.size())},
          {"words", words / static_cast<double>(states.size())},
          {"ms_a_state", median(all)},
          {"ms_without_language_model", median(ranker)}};
}

}  // namespace

Benchmark rank_benchmark() {
  return {"rank", "rank ReDial's catalogue for one state, 4 layers x 256, on one core", run};
}

}  // namespace bench
