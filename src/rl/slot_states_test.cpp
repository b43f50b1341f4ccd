#include "rl/slot_states.h"

#include <gtest/gtest.h>

#include "recommend/language_states.h"
#include "recommend/test_model.h"

namespace rl {
namespace {

namespace testing = recommend::testing;

// Of a policy that differs from its reference, so that none can stand for the other.
struct Slots {
  Slots() {
    torch::NoGradGuard no_grad;
    const model::LanguageModel policy = start.language.copy();
    for (const std::string& name : policy.parameters.names()) policy.parameters.at(name).mul_(1.5);
    current = model::cast(policy, torch::kFloat32);
    weights = model::cast(start.language, torch::kFloat32);
  }
  Slots(const Slots&) = delete;

  dialogue::State before(std::size_t dialogue, std::size_t turn) const {
    return dialogue::state_before(dialogues[dialogue], turn);
  }

  std::vector<dialogue::Dialogue> dialogues = testing::dialogues(6);
  recommend::TrainedModel start = testing::model(dialogues);
  model::Weights current, weights;
};

TEST(SlotReference, ReadsTheStatesOfSeveralStepsAsThoseOfEach) {
  const Slots slots;
  const SlotReference reference(slots.start, slots.weights);
  const recommend::Ranker& policy = slots.start.ranker;
  const std::vector<std::vector<dialogue::State>> steps = {
      {slots.before(0, 1), slots.before(1, 2)},
      {},
      {slots.before(0, 2)},
      {slots.before(2, 3), slots.before(0, 1), slots.before(2, 1)}};
  const std::vector<SlotStates> all = reference.read(policy, slots.current, steps);
  ASSERT_EQ(all.size(), steps.size());
  for (std::size_t step = 0; step < steps.size(); ++step) {
    ASSERT_EQ(all[step].policy.contexts.size(), steps[step].size());
    ASSERT_EQ(all[step].reference.size(0), static_cast<std::int64_t>(steps[step].size()));
    for (std::size_t s = 0; s < steps[step].size(); ++s) {
      const auto row = static_cast<std::int64_t>(s);
      const SlotStates alone = reference.read(policy, slots.current, {{steps[step][s]}}).front();
      EXPECT_TRUE(at::allclose(all[step].policy.language_hidden[row],
                               alone.policy.language_hidden[0], 1e-5, 1e-5));
      EXPECT_TRUE(at::allclose(
          all[step].policy.language_hidden[row],
          recommend::language_hidden(slots.current, slots.start.tokens, {steps[step][s]})[0], 1e-5,
          1e-5));
      EXPECT_TRUE(at::allclose(all[step].reference[row], alone.reference[0], 1e-5, 1e-5));
      EXPECT_EQ(all[step].policy.contexts[s].turns, steps[step][s].turns);
    }
  }
}

TEST(SlotReference, IsTheStartModelOnItsOwnLanguageModelsStates) {
  const Slots slots;
  const SlotReference reference(slots.start, slots.weights);
  const std::vector<dialogue::State> states = {slots.before(0, 2), slots.before(1, 1)};
  torch::NoGradGuard no_grad;
  recommend::RankBatch batch;
  for (const dialogue::State& state : states)
    batch.contexts.push_back(slots.start.ranker.read_state(state));
  batch.language_hidden = recommend::language_hidden(slots.weights, slots.start.tokens, states);
  batch.items =
      slots.start.ranker.item_tables(recommend::item_embeddings(slots.weights, slots.start.tokens));
  const SlotStates read = reference.read(slots.start.ranker, slots.current, {states}).front();
  EXPECT_TRUE(at::allclose(read.reference, at::log_softmax(slots.start.ranker.logits(batch), 1)));
  EXPECT_FALSE(at::allclose(read.policy.language_hidden, batch.language_hidden));
}

}  // namespace
}  // namespace rl
