#include "rl/item_trainer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "recommend/test_model.h"
#include "rl/test_reward.h"

namespace rl {
namespace {

namespace testing = recommend::testing;

RlSettings small() {
  RlSettings settings;
  settings.item_states = 24;
  settings.item_steps = 2;
  settings.item_beta = .5;
  settings.item_kl_target = .3;
  settings.item_kl_horizon = 200;
  settings.item_cross_entropy = 0;
  return settings;
}

struct Training {
  explicit Training(const RlSettings& s, ItemWorth gold = {}) : settings(s) {
    torch::NoGradGuard no_grad;
    weights = model::cast(start.language, torch::kFloat32);
    trainer = std::make_unique<ItemTrainer>(policy, start, weights, reward, settings, gold);
  }
  Training(const Training&) = delete;

  std::map<std::string, double> update(double learning_rate = 2e-2) {
    iteration += 1;
    const base::Metrics metrics =
        trainer->update(weights, places.recommending, learning_rate, {3, "rl/items", iteration});
    return {metrics.begin(), metrics.end()};
  }
  std::string hash() const { return model::hash_tensors(policy.parameters().values()); }

  RlSettings settings;
  std::vector<dialogue::Dialogue> dialogues = testing::dialogues(6);
  recommend::TrainedModel start = testing::model(dialogues);
  recommend::Ranker policy = start.ranker.clone();
  reward::RewardModel reward = fixed_reward();
  Places places = find_places(testing::pointers(dialogues));
  model::Weights weights;
  std::unique_ptr<ItemTrainer> trainer;
  std::uint64_t iteration = 0;
};

TEST(ItemTrainer, StartsAtItsReference) {
  RlSettings settings = small();
  settings.item_steps = 1;
  Training training(settings);
  auto first = training.update();
  EXPECT_NEAR(first["item/kl"], 0, 1e-6);
  EXPECT_NEAR(first["item/reward"], first["item/reference_reward"], 1e-6);
  EXPECT_GT(first["item/grad_norm"], 0);
  EXPECT_GT(training.update()["item/kl"], 1e-6);
}

// With a step size of 0 an update only measures, each step over the places drawn for it.
TEST(ItemTrainer, EachStepIsOverItsOwnStates) {
  RlSettings settings = small();
  settings.item_states = 1;
  // The dialogues are alike but for which item is which: the items differ to the language model.
  const auto tell_apart = [](Training& training) {
    torch::NoGradGuard no_grad;
    for (recommend::Ranker* ranker : {&training.start.ranker, &training.policy}) {
      ranker->parameters().at("language.items").copy_(5 * torch::arange(48.).sin().view({3, 16}));
      ranker->parameters().at("parts.weight")[2] = 1;
    }
    training.trainer = std::make_unique<ItemTrainer>(
        training.policy, training.start, training.weights, training.reward, training.settings);
  };
  Training training(settings);
  tell_apart(training);
  const auto measured = [&](std::uint64_t step) {
    const base::RandomPlace at{3, "rl/items", 1, step};
    const SlotReference reference(training.start, training.weights);
    const std::vector<dialogue::State> states =
        states_before(draw_places(training.places.recommending, 1, at), training.start.state);
    torch::NoGradGuard no_grad;
    const torch::Tensor q =
        reference.read(training.policy, training.weights, {states}).front().reference;
    return -(q.exp() * q).sum().item<double>();  // the entropy
  };
  std::vector<double> entropies;
  for (std::uint64_t step = 0; step < 6; ++step) entropies.push_back(measured(step));
  EXPECT_GT(*std::max_element(entropies.begin(), entropies.end()),
            *std::min_element(entropies.begin(), entropies.end()) + .01);
  for (int steps = 1; steps <= 6; ++steps) {
    settings.item_steps = steps;
    Training several(settings);
    tell_apart(several);
    double mean = 0;
    for (int step = 0; step < steps; ++step)
      mean += entropies[static_cast<std::size_t>(step)] / steps;
    EXPECT_NEAR(several.update(0)["item/entropy"], mean, 1e-5) << steps;
  }
}

TEST(ItemTrainer, RefusesAFirstIterationThatIsNotAtItsReference) {
  Training training(small());
  {
    torch::NoGradGuard no_grad;
    training.policy.parameters().at("members.0.bag.norm_out.bias").add_(5);
  }
  EXPECT_THROW(training.update(), base::Error);
}

// The controller steers at the budget, so the KL swings about it; a step far beyond is what the
// guard is there against. Without a budget the same reward leads further.
TEST(ItemTrainer, RaisesTheExpectedRewardWhileTheKlIsHeldAtItsBudget) {
  Training training(small());
  const double budget = training.settings.item_kl_target;
  double gain = 0, mean_kl = 0;
  for (int i = 0; i < 60; ++i) {
    auto metrics = training.update();
    EXPECT_LT(metrics["item/kl"], 1.25 * budget) << "iteration " << i + 1;
    EXPECT_EQ(metrics["item/kl"], training.trainer->kl());
    gain = metrics["item/reward"] - metrics["item/reference_reward"];
    if (i >= 30) mean_kl += metrics["item/kl"] / 30;
  }
  EXPECT_GT(gain, .7);
  EXPECT_NEAR(mean_kl, budget, .15 * budget);

  RlSettings free = small();
  free.item_kl_target = 0;
  free.item_beta = .1;
  Training unbounded(free);
  std::map<std::string, double> last;
  for (int i = 0; i < 60; ++i) last = unbounded.update();
  EXPECT_EQ(last["item/beta"], free.item_beta);
  EXPECT_GT(last["item/kl"], 2 * budget);
  EXPECT_GT(last["item/reward"] - last["item/reference_reward"], gain);
}

TEST(ItemTrainer, GoesOnFromACheckpointBitForBit) {
  Training whole(small()), resumed(small());
  for (int i = 0; i < 8; ++i) whole.update();

  base::TemporaryFolder folder;
  model::Checkpoint saved{8, {}, base::Json::object()};
  model::add_prefixed(saved.tensors, whole.policy.parameters().values(), "ranker.");
  whole.trainer->save(saved);
  model::write_checkpoint(folder.path(), saved);
  const auto read = model::read_newest_checkpoint(folder.path(), {});
  ASSERT_TRUE(read);
  resumed.policy.parameters().assign(model::with_prefix(read->tensors, "ranker."), "test");
  resumed.trainer->load(*read);
  resumed.iteration = 8;
  EXPECT_EQ(resumed.trainer->kl(), whole.trainer->kl());
  EXPECT_NE(resumed.trainer->kl(), 0);

  const std::string before = whole.hash();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(resumed.update(), whole.update());
  EXPECT_NE(whole.hash(), before);
  EXPECT_EQ(resumed.hash(), whole.hash());
}

TEST(ItemTrainer, ControlsLearnFromSomethingElse) {
  RlSettings settings = small();
  settings.reward = "length";  // of words: no item is worth more than another
  Training length(settings);
  settings.reward = "shuffled";
  Training shuffled(settings);
  settings = small();
  settings.algorithm = "sft";
  settings.item_cross_entropy = 1;
  Training imitation(settings);
  Training learned(small());
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(length.update()["item/reward"], 0);
    EXPECT_EQ(imitation.update()["item/reward"], 0);
    shuffled.update();
    learned.update();
  }
  EXPECT_LT(length.update()["item/kl"], 1e-6);
  EXPECT_GT(imitation.update()["item/kl"], 1e-4);
  EXPECT_GT(learned.update()["item/kl"], 1e-3);
  EXPECT_NE(shuffled.hash(), learned.hash());
}

TEST(ItemTrainer, ImitationKeepsToTheBudgetOfKl) {
  RlSettings settings = small();
  settings.algorithm = "sft";
  settings.item_kl_target = .05;
  Training held(settings);
  settings.item_kl_target = 0;
  Training free(settings);
  double late = 0, unbounded = 0;
  for (int i = 0; i < 60; ++i) {
    const double kl = held.update().at("item/kl");
    if (i >= 30) late += kl / 30;
    unbounded = free.update().at("item/kl");
  }
  EXPECT_LT(late, .075);
  EXPECT_GT(unbounded, .2);
}

TEST(ItemTrainer, ImitationLearnsWithoutAWeight) {
  RlSettings settings = small();  // item_cross_entropy is 0
  settings.algorithm = "sft";
  settings.item_kl_target = 0;
  Training training(settings);
  for (int i = 0; i < 5; ++i) training.update();
  EXPECT_GT(training.update().at("item/kl"), 1e-4);
}

TEST(ItemTrainer, ImitationHasNoPriceOfKlWhileThereIsRoom) {
  const auto weights = [](double beta) {
    RlSettings settings = small();
    settings.algorithm = "sft";
    settings.item_kl_target = 1e6;
    settings.item_beta = beta;
    Training training(settings);
    for (int i = 0; i < 3; ++i) training.update();
    return training.hash();
  };
  EXPECT_EQ(weights(.5), weights(50));
}

TEST(ItemTrainer, ARunShufflesByItsSeed) {
  RlSettings settings = small();
  settings.reward = "shuffled";
  settings.item_steps = 1;
  std::set<double> rewards;  // of one place, so that only who has whose reward differs
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    Training training(settings);
    const base::Metrics metrics = training.trainer->update(
        training.weights, {training.places.recommending.front()}, 2e-2, {seed, "rl/items", 1});
    rewards.insert(std::map<std::string, double>(metrics.begin(), metrics.end())["item/reward"]);
  }
  EXPECT_GT(rewards.size(), 1u);
}

TEST(ItemTrainer, GoldIsAskedInPlaceOfTheRewardModel) {
  RlSettings settings = small();
  settings.reward = "gold";
  EXPECT_THROW(Training{settings}, base::UsageError);
  // The reward model likes item 0 and dislikes item 2; the truth is the other way round.
  Training gold(settings,
                [](const Place&) {
                  return std::vector<float>{-2, 0, 2};
                }),
      learned(small());
  double of_gold = 0, of_learned = 0;
  for (int i = 0; i < 10; ++i) {
    of_gold = gold.update().at("item/reward");
    of_learned = learned.update().at("item/reward");
  }
  EXPECT_NE(gold.hash(), learned.hash());
  EXPECT_GT(of_gold, 0);
  EXPECT_GT(of_learned, 0);
  // A model that does not know gold reads the learned reward, whatever is handed over.
  Training ignores(small(), [](const Place&) { return std::vector<float>{-2, 0, 2}; });
  for (int i = 0; i < 10; ++i) ignores.update();
  EXPECT_EQ(ignores.hash(), learned.hash());
}

}  // namespace
}  // namespace rl
