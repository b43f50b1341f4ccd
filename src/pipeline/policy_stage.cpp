#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "evaluate/instances.h"
#include "evaluate/ranking.h"
#include "pipeline/preferences.h"
#include "pipeline/stages.h"
#include "recommend/model_folder.h"
#include "recommend/trained_recommender.h"
#include "reward/reward_model.h"
#include "rl/train_policy.h"
#include "simulate/play.h"

namespace pipeline {
namespace {

constexpr std::size_t kGoldInstances = 400;

// Whether the reward model beat what it must beat, on the target that the recipe declares.
void check_gate(const Run& run) {
  const std::filesystem::path file = run.folder() / "reward" / "validation.json";
  const base::Json json = base::read_json(file);
  base::require_schema(json, "reward_validation", 1, file.string());
  for (const base::Json& target : base::require<base::Json>(json, "targets", file.string())) {
    if (target.value("target", "") != run.recipe().reward.target || target.value("passed", false))
      continue;
    const std::string text =
        base::concatenate("the reward model does not predict \"", run.recipe().reward.target,
                          "\" on held-out dialogues as well as it should (", file.string(), ")");
    if (run.recipe().rl.gate == "refuse")
      throw base::UsageError(
          text, "; improve the reward, declare another reward.target, or set rl.gate=warn");
    run.console().line("rl  warning: " + text);
  }
}

// In a world: true satisfaction of people the policy has not met. Elsewhere: hits among liked new
// items, from the forms of validation dialogues. Neither is ever optimised.
rl::GoldJudge gold_judge(Run& run) {
  if (run.recipe().in_world()) {
    const auto world = std::make_shared<const simulate::World>(run.recipe().world);
    simulate::PlayOptions options;
    options.episodes = run.recipe().rl.gold_episodes;
    options.max_turns = run.recipe().world.max_turns;
    options.seed = run.seed() + 17;
    options.state = run.recipe().state;
    options.sampling.max_tokens = run.recipe().rl.max_tokens;
    options.sampling.temperature = run.recipe().rl.temperature;
    options.sentiment = run.data().sentiment();
    return [world, options, &run](const recommend::TrainedModel& policy) {
      recommend::TrainedRecommender recommender("policy", policy,
                                                {.type = run.device_type(), .hash = "in-training"});
      return std::optional(
          simulate::mean_satisfaction(simulate::play(recommender, *world, options)));
    };
  }
  auto instances = std::make_shared<std::vector<evaluate::Instance>>();
  std::vector<evaluate::Instance> all =
      evaluate::make_instances(pointers(run.data().validation), run.recipe().state);
  std::erase_if(all, [](const evaluate::Instance& instance) {
    return std::none_of(
        instance.golds.begin(), instance.golds.end(),
        [](const evaluate::Gold& gold) { return evaluate::takes(evaluate::Protocol::v3, gold); });
  });
  for (std::size_t i = 0; i < std::min(kGoldInstances, all.size()); ++i)
    instances->push_back(all[i * all.size() / std::min(kGoldInstances, all.size())]);
  if (instances->empty()) return nullptr;
  return [instances, &run](const recommend::TrainedModel& policy) {
    recommend::TrainedRecommender recommender("policy", policy,
                                              {.type = run.device_type(), .hash = "in-training"});
    const auto ranking = evaluate::rank_instances(recommender, *instances, policy.catalogue);
    const evaluate::ProtocolScores scores =
        evaluate::score(evaluate::ranks_in(evaluate::Protocol::v3, ranking, *instances));
    return std::optional(scores.pairs[2].hit);  // HR@10
  };
}

// Minus the log of how often training dialogues name an item, in standard scores over the
// catalogue.
rl::ItemWorth seldom_named(Run& run) {
  std::vector<double> values(static_cast<std::size_t>(run.data().catalogue.size()), 1);
  for (const dialogue::Dialogue& dialogue : run.data().train)
    for (const dialogue::Turn& turn : dialogue.turns)
      for (const int item : turn.items()) values[static_cast<std::size_t>(item)] += 1;
  for (double& value : values) value = -std::log(value);
  const reward::Calibration standard = reward::calibrate(values);
  std::vector<float> worth;
  for (const double value : values) worth.push_back(static_cast<float>(standard.apply(value)));
  return [worth](const rl::Place&) { return worth; };
}

// In a world: the true satisfaction of the person who talks there, at a deviation of about 1.
rl::ItemWorth true_worth(const Run& run) {
  constexpr double kScale = 4;  // satisfaction is 0 to 1
  const auto world = std::make_shared<const simulate::World>(run.recipe().world);
  return [world](const rl::Place& place) {
    const simulate::Person person = world->person(simulate::person_of(*place.dialogue));
    std::vector<float> worth;
    for (int item = 0; item < world->catalogue().size(); ++item)
      worth.push_back(
          static_cast<float>(kScale * simulate::true_satisfaction(*world, person, item,
                                                                  simulate::Novelty::first_named)));
    return worth;
  };
}

}  // namespace

void policy_stage(Run& run) {
  const Recipe& recipe = run.recipe();
  Run::StagePlan plan{"policy", {"rl", "reward.target"},   {"data", "sft", "reward"}, {},
                      {},       recipe.rl.checkpoint_every};
  if (!recipe.rl.preferences.empty())
    plan.inputs.emplace_back("rl.preferences", recipe.rl.preferences);
  plan.work = [&](const train::Stage& stage) {
    if (recipe.rl.items == "reward") check_gate(run);  // clicks are learned from without it
    recommend::TrainedModel sft = recommend::read_trained(run.folder() / "sft");
    sft.language = sft.language.on(run.device());
    const reward::RewardModel reward =
        reward::RewardModel::read(run.folder() / "reward", run.type());
    const auto training = pointers(run.data().train);
    rl::PolicyInput input{sft, reward, training, gold_judge(run), run.device_type()};
    if (recipe.rl.reward == "gold") input.item_worth = true_worth(run);
    if (recipe.rl.reward == "unpopular") input.item_worth = seldom_named(run);
    input.sentiment = run.data().sentiment();
    rl::RlSettings settings = recipe.rl;
    if (!settings.preferences.empty()) {
      input.judged = read_judged(run, sft);
      if (settings.desirable == "auto") settings.desirable = "positive";
    }
    rl::PolicyResult result = rl::train_policy(input, settings, stage);
    recommend::write_trained(stage.folder, result.policy);
    return base::concatenate(result.iterations, " iterations, KL of the words ",
                             base::fixed(result.words_kl, 2), " nats a reply, of the item slot ",
                             base::fixed(result.item_kl, 2), "; weights ",
                             result.policy.hash().substr(0, 12));
  };
  run.stage(plan);
}

}  // namespace pipeline
