#include <algorithm>
#include <iostream>

#include "base/format.h"
#include "base/interrupt.h"
#include "base/manifest.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "dialogue/converse.h"
#include "dialogue/find_titles.h"
#include "dialogue/sentiment.h"
#include "kernels/compute.h"
#include "pipeline/run.h"
#include "recommend/model_folder.h"
#include "recommend/trained_recommender.h"

namespace cli {
namespace {

// The five best items with their probabilities, what was recommended marked; and what it rests on.
void print_candidates(const dialogue::DecisionRecord& decision,
                      const dialogue::Catalogue& catalogue) {
  for (std::size_t i = 0; i < std::min<std::size_t>(5, decision.candidates.size()); ++i) {
    const auto& [item, probability] = decision.candidates[i];
    const bool shown =
        std::any_of(decision.shown.begin(), decision.shown.end(),
                    [number = item](const dialogue::Shown& one) { return one.item == number; });
    std::cout << (shown ? "  * " : "    ") << base::fixed(100 * probability, 1) << " %  "
              << catalogue[item].title << "\n";
  }
  for (const dialogue::Shown& shown : decision.shown)
    for (std::size_t r = 0; r < shown.reasons.size(); ++r)
      std::cout << (r == 0 ? "    " + catalogue[shown.item].title + " because of " : ", ")
                << dialogue::describe(shown.reasons[r])
                << (r + 1 == shown.reasons.size() ? "\n" : "");
}

int chat(const Command& self, const std::vector<std::string>& given) {
  std::string run, which = "policy", temperature = ".7", top_p = "1";
  int seed = 1;
  dialogue::Sampling sampling;
  Arguments arguments(self);
  arguments.positional("RUN", run, "the folder of a run");
  arguments.option("--model", which, "policy, or sft: the model before alignment");
  arguments.option("--temperature", temperature, "of the replies; 0: always the most likely");
  arguments.option("--top-k", sampling.top_k, "only so many likeliest tokens as words; 0: all");
  arguments.option("--top-p", top_p,
                   "of the words only the fewest likeliest tokens that have this share of the "
                   "probability");
  arguments.option("--items", sampling.max_items, "that one reply may recommend");
  arguments.flag("--stated", sampling.stated,
                 "recommend only items of the years and genres that were last asked for");
  arguments.option("--seed", seed, "decides the replies");
  arguments.parse(given);
  if (which != "policy" && which != "sft")
    throw base::UsageError("--model is \"", which, "\", expected policy or sft");
  if (sampling.max_items < 1)
    throw base::UsageError("--items is ", sampling.max_items, ", expected at least 1");
  if (sampling.top_k < 0)
    throw base::UsageError("--top-k is ", sampling.top_k, ", expected at least 0");
  sampling.top_p = std::max(number_argument("--top-p", top_p, 0, 1), dialogue::kLeastTopP);
  sampling.temperature = number_argument("--temperature", temperature, 0, 100);
  sampling.seed = static_cast<std::uint64_t>(seed);

  const std::filesystem::path folder = run;
  for (const std::string& stage : {std::string("data"), which})
    if (base::has_manifest(folder / stage)) base::verify_manifest(folder / stage);
  const recommend::TrainedModel model = recommend::read_trained(folder / which);
  const pipeline::Recipe recipe = pipeline::read_recipe(folder, {});
  const feedback::SentimentFunction sentiment =
      pipeline::TextScorers(recipe, folder / "data").sentiment();
  recommend::TrainedRecommender recommender(
      which, model, {.slots = 1, .type = kernels::compute_dtype(recipe.run.compute), .hash = ""});
  std::cout << "Talking with " << which << " of " << run << ". An empty line or Ctrl-D ends it.\n";
  const dialogue::NameFinder titles = dialogue::title_finder(model.catalogue);
  dialogue::Dialogue talk;
  for (std::string line;
       std::cout << "\nyou> " << std::flush, std::getline(std::cin, line) && !line.empty();) {
    if (base::interrupted()) break;
    dialogue::Turn turn;
    turn.text = line;
    for (const dialogue::FoundName& found : titles.find(line))
      turn.mentions.push_back({found.id, found.begin, found.end});
    dialogue::read_sentiment(turn, sentiment);
    talk.turns.push_back(std::move(turn));
    const dialogue::State state = dialogue::state_before(talk, talk.turns.size(), model.state);
    const dialogue::Reply reply = dialogue::reply_to_all(recommender, {state}, sampling).front();
    sampling.stream += 1;
    talk.turns.push_back(dialogue::to_turn(reply.action, model.catalogue));
    std::cout << "attune> " << dialogue::written_out(talk.turns.back(), model.catalogue) << "\n";
    print_candidates(reply.decision, model.catalogue);
  }
  std::cout << "\n";
  return 0;
}

}  // namespace

Command chat_command() {
  return {"chat", "talk with a run's model; recommendations are shown with their probabilities",
          "attune chat runs/quickstart", chat};
}

}  // namespace cli
