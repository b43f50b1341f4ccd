#include <iostream>

#include "base/error.h"
#include "base/format.h"
#include "base/manifest.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "corpus/read.h"
#include "feedback/sentiment.h"
#include "kernels/compute.h"
#include "pipeline/run.h"
#include "recommend/rank_items.h"
#include "recommend/trained_recommender.h"
#include "serve/recommendation_json.h"

namespace cli {
namespace {

void print(const std::string& id, const std::vector<recommend::RankedItem>& items,
           const dialogue::Catalogue& catalogue) {
  std::cout << id << "\n";
  if (items.empty()) std::cout << "  no item fits\n";
  for (const recommend::RankedItem& ranked : items) {
    std::cout << "  " << base::fixed(100 * std::exp(ranked.log_prob), 1) << " %  "
              << catalogue[ranked.item].title;
    for (std::size_t r = 0; r < ranked.reasons.size(); ++r)
      std::cout << (r == 0 ? "  because of " : ", ") << dialogue::describe(ranked.reasons[r]);
    std::cout << "\n";
  }
}

base::Json to_json(const std::string& id, const std::vector<recommend::RankedItem>& items,
                   const dialogue::Catalogue& catalogue) {
  base::Json list = base::Json::array();
  for (const recommend::RankedItem& ranked : items)
    list.push_back({{"id", catalogue[ranked.item].id},
                    {"title", catalogue[ranked.item].title},
                    {"log_prob", ranked.log_prob},
                    {"reasons", serve::to_json(ranked.reasons)}});
  return {{"dialogue", id}, {"items", list}};
}

int recommend(const Command& self, const std::vector<std::string>& given) {
  std::string run, file, which = "policy", diversity = "0";
  int top = 10;
  bool stated = false, repeats = false, json = false;
  Arguments arguments(self);
  arguments.positional("RUN", run, "the folder of a run");
  arguments.positional("DIALOGUES", file,
                       "a file of dialogues; items are ranked after the last turn");
  arguments.option("--model", which, "policy, or sft: the model before alignment");
  arguments.option("--top", top, "items a dialogue; fewer where fewer fit");
  arguments.option(
      "--diversity", diversity,
      "0: the best items; up to 1: items unlike each other (maximal marginal relevance)");
  arguments.flag("--stated", stated,
                 "only items of the years and genres the seeker last asked for");
  arguments.flag("--repeats", repeats, "items named in the dialogue too, unless disliked");
  arguments.flag("--json", json, "print one JSON object a line");
  arguments.parse(given);
  if (which != "policy" && which != "sft")
    throw base::UsageError("--model is \"", which, "\", expected policy or sft");
  if (top < 1) throw base::UsageError("--top is ", top, ", expected at least 1");
  const double spread = number_argument("--diversity", diversity, 0, 1);

  const std::filesystem::path folder = run;
  if (base::has_manifest(folder / which)) base::verify_manifest(folder / which);
  const recommend::TrainedModel model = recommend::read_trained(folder / which);
  const pipeline::Recipe recipe = pipeline::read_recipe(folder, {});
  dialogue::Corpus corpus = corpus::read_more(file, model.catalogue);
  for (const dialogue::Dropped& dropped : corpus.dropped)
    std::cerr << "recommend  " << dropped.count << " " << dropped.what << "\n";
  if (corpus.dialogues.empty()) throw base::DataError(file, ": holds no dialogues");
  corpus = feedback::with_sentiment(std::move(corpus),
                                    pipeline::TextScorers(recipe, folder / "data").sentiment());
  recommend::TrainedRecommender recommender(
      which, model, {.slots = 1, .type = kernels::compute_dtype(recipe.run.compute), .hash = "-"});
  std::size_t short_lists = 0;
  const recommend::Entities& entities = model.ranker.tables().entities;
  for (const dialogue::Dialogue& dialogue : corpus.dialogues) {
    const dialogue::State state =
        dialogue::state_before(dialogue, dialogue.turns.size(), model.state);
    recommend::Constraints constraints;
    if (stated) constraints = recommend::stated_constraints(state, entities);
    constraints.skip_named = !repeats;
    const std::vector<recommend::RankedItem> items = recommend::rank_items(
        recommender, model, state, constraints, static_cast<std::size_t>(top), spread);
    if (items.size() < static_cast<std::size_t>(top)) ++short_lists;
    if (json)
      std::cout << to_json(dialogue.id, items, model.catalogue)
                       .dump(-1, ' ', false, base::Json::error_handler_t::replace)
                << "\n";
    else
      print(dialogue.id, items, model.catalogue);
  }
  if (short_lists > 0)
    std::cerr << "recommend  " << short_lists << " of " << corpus.dialogues.size()
              << " dialogues have fewer than " << top << " items that fit\n";
  return 0;
}

}  // namespace

Command recommend_command() {
  return {"recommend", "rank items for dialogues and say what speaks for each",
          "attune recommend runs/redial dialogues.jsonl --top 5 --stated --diversity 0.3",
          recommend};
}

}  // namespace cli
