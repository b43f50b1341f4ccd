#include "train/sft.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "train/test_dialogues.h"

namespace train {
namespace {

std::vector<Sequence> sequences(const DialogueTokens& tokens, int count) {
  std::vector<Sequence> all;
  for (int i = 0; i < count; ++i)
    for (Sequence& sequence : windows(testing::dialogue(i), tokens,
                                      {.max_tokens = 64, .seeker_weight = .5, .state = {}}))
      all.push_back(std::move(sequence));
  return all;
}

model::Gpt2 small_model(const DialogueTokens& tokens) {
  return model::random_gpt2(
      {.n_layer = 1, .n_head = 2, .n_embd = 16, .n_positions = 64, .vocab_size = tokens.size()}, 5);
}

const SftSettings kSettings{.epochs = 4, .batch_tokens = 80, .learning_rate = 1e-2, .patience = 10};

SftResult run(const std::filesystem::path& folder, std::int64_t stop_at) {
  const DialogueTokens tokens = testing::tokens();
  Stage stage{folder, base::silent_console(),
              3,      4,
              false,  [&](std::int64_t step) { return step == stop_at; }};
  return train_sft(small_model(tokens), sequences(tokens, 9), sequences(tokens, 3), kSettings,
                   torch::kFloat32, stage);
}

TEST(Sft, LearnsWhatItIsShown) {
  base::TemporaryFolder folder;
  const DialogueTokens tokens = testing::tokens();
  const double before =
      evaluate_losses(small_model(tokens), sequences(tokens, 3), torch::kFloat32).all;
  const SftResult result = run(folder.path(), -1);
  EXPECT_LT(result.validation.all, .7 * before);
  EXPECT_NEAR(evaluate_losses(result.model, sequences(tokens, 3), torch::kFloat32).all,
              result.validation.all, 1e-6);
}

TEST(Sft, StoppedAtAnyStepAndResumedItEndsWithTheSameWeightsAndLog) {
  base::TemporaryFolder whole;
  const SftResult expected = run(whole.path(), -1);
  ASSERT_GT(expected.steps, 8);
  for (std::int64_t stop : {std::int64_t{1}, std::int64_t{5}, expected.steps - 1}) {
    base::TemporaryFolder folder;
    EXPECT_THROW(run(folder.path(), stop), base::Interrupted);
    const SftResult resumed = run(folder.path(), -1);
    EXPECT_EQ(model::hash_tensors(resumed.model.parameters.values()),
              model::hash_tensors(expected.model.parameters.values()))
        << "stopped at " << stop;
    EXPECT_EQ(base::read_metric(folder.path(), "loss"), base::read_metric(whole.path(), "loss"));
  }
}

TEST(Sft, TheLossOfPackedSequencesIsTheWeightedMeanOfEachAlone) {
  const DialogueTokens tokens = testing::tokens();
  const std::vector<Sequence> all = sequences(tokens, 2);
  const model::Gpt2 model = small_model(tokens);
  const model::Gpt2Weights weights = model::cast(model, torch::kFloat32);
  double sum = 0, weight = 0;
  for (const Sequence& sequence : all) {
    double own = 0;
    for (float w : sequence.weights) own += w;
    sum += own * sft_loss(weights, {&sequence}, {}).item<double>();
    weight += own;
  }
  EXPECT_NEAR(sft_loss(weights, {&all[0], &all[1]}, {}).item<double>(), sum / weight, 1e-5);
}

}  // namespace
}  // namespace train
