// The update of words with the policy on a GPU.
#include "kernels/test_device.h"
#include "rl/plain_tokens.h"
#include "rl/test_training.h"

namespace rl {
namespace {

using testing::share_below;
using testing::small;
using testing::Training;

class RlOn : public kernels::testing::OnDevice {};
ATTUNE_ON_DEVICES(RlOn);

TEST_P(RlOn, RepliesAreThoseOfTheProcessor) {
  Training there(small(), Prompts::shared, device()), here(small());
  there.iteration = here.iteration = 1;
  const std::vector<Episode> ours = there.sample(), plain = here.sample();
  ASSERT_EQ(ours.size(), plain.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_EQ(ours[i].tokens, plain[i].tokens) << "reply " << i;
    EXPECT_EQ(ours[i].action.text, plain[i].action.text);
    for (std::size_t t = 0; t < ours[i].tokens.size(); ++t)
      EXPECT_NEAR(ours[i].sampled_log_probs[t], plain[i].sampled_log_probs[t], 1e-4);
  }
}

// prepare and update hold themselves to a KL of exactly 0 at the start and a first ratio of 1.
TEST_P(RlOn, IterationsScoreAndLearnAsOnTheProcessor) {
  for (const char* critic : {"trunk", "apart"}) {
    RlSettings settings = small();
    settings.critic = critic;
    Training there(settings, Prompts::shared, device()), here(settings);
    const Rollout ours = there.prepare(share_below(60)), plain = here.prepare(share_below(60));
    EXPECT_EQ(ours.kl, 0);
    EXPECT_LT(ours.mismatch.log_prob, 1e-4);
    EXPECT_LT(kernels::testing::apart(ours.log_probs, plain.log_probs), 1e-4);
    EXPECT_NEAR(ours.entropy, plain.entropy, 1e-4);
    there.trainer.update(ours, settings.learning_rate, there.place());
    here.trainer.update(plain, settings.learning_rate, here.place());
    const Rollout next = there.prepare(share_below(60)), expected = here.prepare(share_below(60));
    EXPECT_GT(next.kl, 0);
    EXPECT_NEAR(next.kl, expected.kl, .1 * expected.kl + 1e-3);
  }
}

TEST_P(RlOn, ACheckpointOfOneDeviceIsThatOfAnother) {
  Training there(small(), Prompts::shared, device()), here(small());
  there.train(1, share_below(60));
  model::Checkpoint checkpoint;
  there.trainer.save(checkpoint);
  for (auto& [name, tensor] : checkpoint.tensors) tensor = tensor.cpu();
  here.trainer.load(checkpoint);
  model::Checkpoint again;
  here.trainer.save(again);
  EXPECT_EQ(model::hash_tensors(again.tensors), model::hash_tensors(checkpoint.tensors));
}

TEST_P(RlOn, PlainTokensAreThoseOfTheProcessor) {
  const model::LanguageModel model = model::random_model(model::gpt2_config(2, 4, 32, 32, 20), 1);
  const std::vector<std::vector<int>> prompts = {{1, 2, 3}, {4}, {5, 6}};
  const PlainSampling sampling{.rows = 18, .length = 12, .temperature = 1.5, .seed = 3};
  torch::NoGradGuard no_grad;
  const auto run = [&](torch::Device where) {
    return sample_plain(model::cast(model.on(where), torch::kFloat32), prompts, sampling);
  };
  const std::vector<Episode> ours = run(device()), plain = run(torch::kCPU);
  for (std::size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ(ours[i].tokens, plain[i].tokens);
}

}  // namespace
}  // namespace rl
