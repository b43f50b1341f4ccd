#include "rl/click_trainer.h"

#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "recommend/language_states.h"
#include "recommend/test_model.h"

namespace rl {
namespace {

namespace testing = recommend::testing;

RlSettings small(const std::string& algorithm = "kto") {
  RlSettings settings;
  settings.algorithm = algorithm;
  settings.items = "clicks";
  settings.item_states = 24;
  settings.item_steps = 2;
  settings.item_kl_target = 0;
  return settings;
}

// Each dialogue names item d % 3 first and then shows the two others: the next one is taken up, the
// last one is not.
std::vector<feedback::Slate> slates_of(const std::vector<dialogue::Dialogue>& dialogues) {
  std::vector<feedback::Slate> slates;
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    const int next = (static_cast<int>(d) + 1) % 3, last = (static_cast<int>(d) + 2) % 3;
    slates.push_back({&dialogues[d], 1, {{next, 1, true}, {last, 2, false}}});
  }
  return slates;
}

struct Training {
  explicit Training(const RlSettings& s) : settings(s) {
    torch::NoGradGuard no_grad;
    weights = model::cast(start.language, torch::kFloat32);
    trainer = std::make_unique<ClickTrainer>(policy, start, weights, slates, settings);
  }
  Training(const Training&) = delete;

  std::map<std::string, double> update(double learning_rate = 2e-2) {
    iteration += 1;
    const base::Metrics metrics =
        trainer->update(weights, learning_rate, {3, "rl/items", iteration});
    return {metrics.begin(), metrics.end()};
  }
  std::string hash() const { return model::hash_tensors(policy.parameters().values()); }

  // log p - log q of what was taken up, or of what was not, mean over the slates.
  double log_ratio(bool accepted) const {
    torch::NoGradGuard no_grad;
    std::vector<dialogue::State> states;
    for (const feedback::Slate& slate : slates)
      states.push_back(dialogue::state_before(*slate.dialogue, slate.turn, start.state));
    const SlotReference reference(start, weights);
    SlotStates read = reference.read(policy, weights, {states}).front();
    read.policy.items = policy.item_tables(recommend::item_embeddings(weights, start.tokens));
    const torch::Tensor h = at::log_softmax(policy.logits(read.policy), 1) - read.reference;
    double sum = 0;
    for (std::size_t s = 0; s < slates.size(); ++s)
      sum += h[static_cast<std::int64_t>(s)][slates[s].items[accepted ? 0 : 1].item].item<double>();
    return sum / static_cast<double>(slates.size());
  }

  RlSettings settings;
  std::vector<dialogue::Dialogue> dialogues = testing::dialogues(6);
  std::vector<feedback::Slate> slates = slates_of(dialogues);
  recommend::TrainedModel start = testing::model(dialogues);
  recommend::Ranker policy = start.ranker.clone();
  model::Weights weights;
  std::unique_ptr<ClickTrainer> trainer;
  std::uint64_t iteration = 0;
};

TEST(ClickTrainer, RaisesWhatWasTakenUpAndLowersWhatWasNot) {
  for (const char* algorithm : {"kto", "dpo", "sft", "reward_weighted"}) {
    Training training(small(algorithm));
    std::map<std::string, double> last;
    for (int i = 0; i < 10; ++i) last = training.update();
    EXPECT_GT(training.log_ratio(true), .05) << algorithm;
    EXPECT_LT(training.log_ratio(false), -.05) << algorithm;
    EXPECT_GT(last["item/kl"], 1e-3) << algorithm;
    EXPECT_EQ(last["item/kl"], training.trainer->kl());
    EXPECT_EQ(last["item/taken_back"], 0);
    EXPECT_GT(last["item/grad_norm"], 0);
  }
}

// A turn that shows one item has nothing to be weighed against but other turns.
TEST(ClickTrainer, WeighsClicksOverTheBatchUnlessToldOtherwise) {
  const auto hash_with = [](double weight_beta, const std::string& scope) {
    RlSettings settings = small("reward_weighted");
    settings.weight_beta = weight_beta;
    settings.weight_scope = scope;
    Training training(settings);
    for (std::size_t s = 0; s < training.slates.size(); ++s)
      training.slates[s].items.erase(training.slates[s].items.begin() + s % 2);
    training.trainer = std::make_unique<ClickTrainer>(
        training.policy, training.start, training.weights, training.slates, training.settings);
    training.update();
    return training.hash();
  };
  EXPECT_NE(hash_with(.5, "auto"), hash_with(5, "auto"));
  EXPECT_EQ(hash_with(.5, "auto"), hash_with(.5, "batch"));
  EXPECT_EQ(hash_with(.5, "group"), hash_with(5, "group"));
}

TEST(ClickTrainer, RefusesAFirstIterationThatIsNotAtItsReference) {
  Training training(small());
  {
    torch::NoGradGuard no_grad;
    training.policy.parameters().at("members.0.bag.norm_out.bias").add_(5);
  }
  EXPECT_THROW(training.update(), base::Error);
}

TEST(ClickTrainer, TakesBackStepsThatGoOverTheBudgetOfKl) {
  RlSettings settings = small("sft");
  settings.item_kl_target = .02;
  Training training(settings);
  double share = 1, taken_back = 0;
  for (int i = 0; i < 30; ++i) {
    const std::string before = training.hash();
    auto metrics = training.update();
    EXPECT_LE(training.trainer->kl(), settings.item_kl_target);
    EXPECT_EQ(metrics["item/kl"], training.trainer->kl());
    if (metrics["item/taken_back"] > 0) {
      share /= 2;
      EXPECT_EQ(training.hash(), before);
    } else {
      EXPECT_NE(training.hash(), before);
    }
    EXPECT_EQ(metrics["item/step_share"], share);
    taken_back += metrics["item/taken_back"];
  }
  EXPECT_GT(taken_back, 0);
  EXPECT_GT(training.trainer->kl(), .3 * settings.item_kl_target);

  Training unbounded(small("sft"));
  for (int i = 0; i < 30; ++i) unbounded.update();
  EXPECT_GT(unbounded.trainer->kl(), 2 * settings.item_kl_target);
}

TEST(ClickTrainer, TakesTheShareOfAStepThatIsLeft) {
  Training half(small()), slower(small());
  model::Checkpoint saved{0, {}, base::Json::object()};
  half.trainer->save(saved);
  saved.state["item_step_share"] = .5;
  half.trainer->load(saved);
  half.update(2e-2);
  slower.update(1e-2);
  EXPECT_EQ(half.hash(), slower.hash());
}

TEST(ClickTrainer, WithoutAStepSizeNothingMoves) {
  Training training(small());
  const std::string before = training.hash();
  training.update(0);
  EXPECT_EQ(training.hash(), before);
}

TEST(ClickTrainer, GoesOnFromACheckpointBitForBit) {
  RlSettings settings = small();
  settings.item_kl_target = .02;
  Training whole(settings), resumed(settings);
  double taken_back = 0;
  for (int i = 0; i < 12; ++i) taken_back += whole.update()["item/taken_back"];
  EXPECT_GT(taken_back, 0);  // else there is no share of a step to be saved

  base::TemporaryFolder folder;
  model::Checkpoint saved{12, {}, base::Json::object()};
  model::add_prefixed(saved.tensors, whole.policy.parameters().values(), "ranker.");
  whole.trainer->save(saved);
  model::write_checkpoint(folder.path(), saved);
  const auto read = model::read_newest_checkpoint(folder.path(), {});
  ASSERT_TRUE(read);
  resumed.policy.parameters().assign(model::with_prefix(read->tensors, "ranker."), "test");
  resumed.trainer->load(*read);
  resumed.iteration = 12;
  EXPECT_EQ(resumed.trainer->kl(), whole.trainer->kl());
  EXPECT_NE(resumed.trainer->kl(), 0);

  for (int i = 0; i < 2; ++i) EXPECT_EQ(resumed.update(), whole.update());
  EXPECT_EQ(resumed.hash(), whole.hash());
}

TEST(ClickTrainer, WeighsClicksByTheirPlace) {
  RlSettings biased = small("sft");
  biased.click_position_bias = 1;
  const auto hash_with = [](const RlSettings& settings, int place) {
    Training training(settings);
    training.slates[0].items[0].place = place;
    training.trainer = std::make_unique<ClickTrainer>(
        training.policy, training.start, training.weights, training.slates, training.settings);
    for (int i = 0; i < 3; ++i) training.update();
    return training.hash();
  };
  EXPECT_EQ(hash_with(biased, 1), hash_with(small("sft"), 1));
  EXPECT_EQ(hash_with(small("sft"), 3), hash_with(small("sft"), 1));
  EXPECT_NE(hash_with(biased, 3), hash_with(small("sft"), 3));
}

// Of 12 items shown 6 were taken up. Where one of these counts three times, they are 8 / 12, and 4
// / 12 were not.
TEST(ClickTrainer, SaysWhatThereIsToLearnFrom) {
  Training training(small());
  EXPECT_EQ(training.trainer->describe(),
            (std::vector<std::string>{"12 items shown in 6 turns, of which 50.0 % were taken up",
                                      "what was taken up weighs 1.00 times what was not"}));
  training.settings.click_position_bias = 1;
  training.slates[0].items[0].place = 3;
  const ClickTrainer biased(training.policy, training.start, training.weights, training.slates,
                            training.settings);
  EXPECT_EQ(biased.describe()[1],
            "what was taken up weighs 2.00 times what was not, expected 1 to 1.33: "
            "rl.desirable_weight=0.50 makes it even");
  EXPECT_EQ(Training(small("dpo")).trainer->describe().size(), 1u);
}

TEST(ClickTrainer, RefusesLogsThatTeachNothing) {
  Training training(small());
  const auto make = [&](const std::string& algorithm, const std::vector<feedback::Slate>& slates) {
    training.settings.algorithm = algorithm;
    ClickTrainer(training.policy, training.start, training.weights, slates, training.settings);
  };
  std::vector<feedback::Slate> slates = training.slates;
  for (feedback::Slate& slate : slates) slate.items[1].accepted = true;
  EXPECT_NO_THROW(make("kto", slates));
  EXPECT_THROW(make("dpo", slates), base::Error);  // nothing that was not taken up
  for (feedback::Slate& slate : slates) slate.items.clear();
  EXPECT_THROW(make("kto", slates), base::Error);
  for (const char* algorithm : {"kto", "dpo", "sft", "reward_weighted"})
    EXPECT_THROW(make(algorithm, {}), base::Error) << algorithm;
}

}  // namespace
}  // namespace rl
