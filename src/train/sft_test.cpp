#include "train/sft.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "kernels/compute.h"
#include "kernels/test_device.h"
#include "train/adamw.h"
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

model::LanguageModel small_model(const DialogueTokens& tokens) {
  return model::random_model(model::gpt2_config(1, 2, 16, 64, tokens.size()), 5);
}

const SftSettings kSettings{.epochs = 4, .batch_tokens = 80, .learning_rate = 1e-2, .patience = 10};

struct Lines : base::Console {
  void line(const std::string& text) override { lines.push_back(text); }
  void progress(const std::string&) override {}
  bool have(const std::string& part) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  }
  std::vector<std::string> lines;
};

SftResult run(Stage stage) {
  const DialogueTokens tokens = testing::tokens();
  stage.seed = 3;
  stage.checkpoint_every = 4;
  return train_sft(small_model(tokens), sequences(tokens, 9), sequences(tokens, 3), kSettings,
                   torch::kFloat32, stage);
}

SftResult run(const std::filesystem::path& folder, std::int64_t stop_at) {
  Stage stage{.folder = folder, .console = base::silent_console()};
  stage.stop = [=](std::int64_t step) { return step == stop_at; };
  return run(stage);
}

std::string hash(const SftResult& result) {
  return model::hash_tensors(result.model.parameters.values());
}

// Changes the newest checkpoint of a folder in place; it stays whole.
void edit_checkpoint(const std::filesystem::path& folder,
                     const std::function<void(model::Checkpoint&)>& edit) {
  auto checkpoint = model::read_newest_checkpoint(folder, {});
  ASSERT_TRUE(checkpoint);
  edit(*checkpoint);
  model::write_checkpoint(folder, *checkpoint);
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

// Ours and libtorch's, over 200 steps, with dropout: heads as wide as attention's tiles.
TEST(Sft, LossesFollowThoseOfTheReference) {
  const DialogueTokens tokens = testing::tokens();
  const model::LanguageModel initial =
      model::random_model(model::gpt2_config(2, 2, 64, 64, tokens.size()), 5);
  const SftSettings settings{
      .epochs = 40, .batch_tokens = 80, .learning_rate = 1e-3, .dropout = .1, .patience = 100};
  const auto losses = [&](kernels::Backend backend) {
    base::TemporaryFolder folder;
    kernels::set_default_backend(backend);
    train_sft(initial.copy(), sequences(tokens, 9), sequences(tokens, 3), settings, torch::kFloat32,
              {.folder = folder.path(), .console = base::silent_console()});
    kernels::set_default_backend(kernels::Backend::native);
    return base::read_metric(folder.path(), "loss");
  };
  const auto native = losses(kernels::Backend::native),
             reference = losses(kernels::Backend::reference);
  ASSERT_EQ(native.size(), reference.size());
  ASSERT_GE(native.size(), 200u);
  EXPECT_NE(native, reference);  // other code, other rounding
  for (std::size_t i = 0; i < native.size(); ++i)
    EXPECT_NEAR(native[i].second, reference[i].second, 1e-4 * reference[i].second)
        << "step " << native[i].first;
  EXPECT_LT(native.back().second, .5 * native.front().second);
}

TEST(Sft, StoppedAtAnyStepAndResumedItEndsWithTheSameWeightsAndLog) {
  base::TemporaryFolder whole;
  const SftResult expected = run(whole.path(), -1);
  ASSERT_GT(expected.steps, 8);
  for (std::int64_t stop : {std::int64_t{1}, std::int64_t{5}, expected.steps - 1}) {
    base::TemporaryFolder folder;
    EXPECT_THROW(run(folder.path(), stop), base::Interrupted);
    const SftResult resumed = run(folder.path(), -1);
    EXPECT_EQ(hash(resumed), hash(expected)) << "stopped at " << stop;
    EXPECT_EQ(base::read_metric(folder.path(), "loss"), base::read_metric(whole.path(), "loss"));
  }
}

TEST(Sft, ResumedItStartsFromTheCheckpointAndNotFromTheBeginning) {
  base::TemporaryFolder folder;
  EXPECT_THROW(run(folder.path(), 5), base::Interrupted);
  Lines console;
  std::vector<std::int64_t> steps;
  Stage stage{.folder = folder.path(), .console = console};
  stage.stop = [&](std::int64_t step) {
    steps.push_back(step);
    return false;
  };
  const SftResult result = run(stage);
  EXPECT_TRUE(console.have("going on after step 5 of " + folder.path().string()));
  ASSERT_FALSE(steps.empty());
  EXPECT_EQ(steps.front(), 6);
  EXPECT_EQ(steps.back(), result.steps);

  // What the checkpoint holds decides: other weights or moments in it end elsewhere.
  for (const char* prefix : {"model.", "optimiser."}) {
    base::TemporaryFolder other;
    EXPECT_THROW(run(other.path(), 5), base::Interrupted);
    edit_checkpoint(other.path(), [&](model::Checkpoint& checkpoint) {
      for (auto& [name, tensor] : checkpoint.tensors)
        if (name.starts_with(prefix) && tensor.is_floating_point() && tensor.numel() > 1)
          tensor = tensor * 1.5;
    });
    EXPECT_NE(hash(run(other.path(), -1)), hash(result)) << prefix;
  }
}

TEST(Sft, ResumedItRemembersItsBestEpochAndHowLongAgoThatWas) {
  base::TemporaryFolder folder;
  const SftResult whole = run(folder.path(), -1);
  model::remove_checkpoints(folder.path());
  const std::int64_t epoch = whole.steps / kSettings.epochs;
  EXPECT_THROW(run(folder.path(), epoch + 1), base::Interrupted);
  std::string best;
  edit_checkpoint(folder.path(), [&](model::Checkpoint& checkpoint) {
    checkpoint.state["best"]["loss"] = -1;  // no epoch beats it
    best = model::hash_tensors(model::with_prefix(checkpoint.tensors, "best."));
  });
  const SftResult resumed = run(folder.path(), -1);
  EXPECT_EQ(resumed.best_epoch, 1);
  EXPECT_EQ(hash(resumed), best);

  base::TemporaryFolder stale;
  EXPECT_THROW(run(stale.path(), epoch + 1), base::Interrupted);
  edit_checkpoint(stale.path(), [&](model::Checkpoint& checkpoint) {
    checkpoint.state["best"]["loss"] = -1;
    checkpoint.state["best"]["stale"] = kSettings.patience - 1;
  });
  EXPECT_EQ(run(stale.path(), -1).steps, 2 * epoch);  // one more epoch exhausts the patience
}

TEST(Sft, WithADamagedNewestCheckpointItGoesOnFromTheOlderOneToTheSameEnd) {
  base::TemporaryFolder whole, folder;
  const SftResult expected = run(whole.path(), -1);
  EXPECT_THROW(run(folder.path(), 6), base::Interrupted);  // checkpoints after steps 4 and 6
  std::filesystem::resize_file(folder.path() / "checkpoint-6" / "state.safetensors", 100);
  Lines console;
  const SftResult resumed = run({.folder = folder.path(), .console = console});
  EXPECT_TRUE(console.have("passing over a damaged checkpoint"));
  EXPECT_TRUE(console.have("going on after step 4"));
  EXPECT_EQ(hash(resumed), hash(expected));
  EXPECT_EQ(base::read_metric(folder.path(), "loss"), base::read_metric(whole.path(), "loss"));
}

TEST(Sft, ACheckpointOfAnotherMachineIsRefusedUnlessThatIsAllowed) {
  std::vector<std::function<void(base::Json&)>> others = {
      [](base::Json& machine) { machine = nullptr; }};
  for (const char* mark : {"version", "build", "libtorch", "device", "instruction_set", "threads"})
    others.emplace_back([=](base::Json& machine) { machine.at(mark) = "another"; });
  for (const auto& other : others) {
    base::TemporaryFolder folder;
    EXPECT_THROW(run(folder.path(), 5), base::Interrupted);
    edit_checkpoint(folder.path(),
                    [&](model::Checkpoint& checkpoint) { other(checkpoint.state["machine"]); });
    Lines console;
    Stage stage{.folder = folder.path(), .console = console};
    try {
      run(stage);
      FAIL() << "went on";
    } catch (const base::UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("run.allow_different_machine=true"),
                std::string::npos);
    }
    EXPECT_FALSE(console.have("going on"));
    stage.allow_different_machine = true;
    EXPECT_NO_THROW(run(stage));
    EXPECT_TRUE(console.have("the checkpoint was made with"));
    EXPECT_TRUE(console.have("going on after step 5"));
  }
}

TEST(Sft, TheLossOfPackedSequencesIsTheWeightedMeanOfEachAlone) {
  const DialogueTokens tokens = testing::tokens();
  const std::vector<Sequence> all = sequences(tokens, 2);
  const model::LanguageModel model = small_model(tokens);
  const model::Weights weights = model::cast(model, torch::kFloat32);
  double sum = 0, weight = 0;
  for (const Sequence& sequence : all) {
    double own = 0;
    for (float w : sequence.weights) own += w;
    sum += own * sft_loss(weights, {&sequence}, {}).item<double>();
    weight += own;
  }
  EXPECT_NEAR(sft_loss(weights, {&all[0], &all[1]}, {}).item<double>(), sum / weight, 1e-5);
}

class SftOn : public kernels::testing::OnDevice {};
ATTUNE_ON_DEVICES(SftOn);

TEST_P(SftOn, StepsAreThoseOfTheProcessor) {
  const DialogueTokens tokens = testing::tokens();
  const std::vector<Sequence> all = sequences(tokens, 3);
  std::vector<const Sequence*> batch;
  for (const Sequence& sequence : all) batch.push_back(&sequence);
  const auto run = [&](torch::Device where, torch::Dtype type) {
    model::LanguageModel model = small_model(tokens).on(where);
    AdamW optimiser(model.parameters.tensors(), {.weight_decay = .1});
    std::vector<double> numbers;
    for (int i = 0; i < 4; ++i) {
      const torch::Tensor loss = sft_loss(model::cast(model, type), batch, {});
      loss.backward();
      numbers.push_back(loss.item<double>());
      numbers.push_back(optimiser.step(1e-2, .5));
    }
    numbers.push_back(evaluate_losses(model, all, type).all);
    return numbers;
  };
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const std::vector<double> ours = run(device(), type), plain = run(torch::kCPU, torch::kFloat32);
    for (std::size_t i = 0; i < ours.size(); ++i)
      EXPECT_NEAR(ours[i], plain[i], (type == torch::kFloat32 ? 1e-4 : 5e-2) * plain[i]) << i;
  }
}

TEST_P(SftOn, ItLearnsStopsAndGoesOn) {
  const DialogueTokens tokens = testing::tokens();
  const auto run_on_device = [&](const std::filesystem::path& folder, std::int64_t stop_at) {
    Stage stage{.folder = folder, .console = base::silent_console()};
    stage.stop = [=](std::int64_t step) { return step == stop_at; };
    stage.seed = 3;
    stage.checkpoint_every = 4;
    stage.device = device();
    return train_sft(small_model(tokens).on(device()), sequences(tokens, 9), sequences(tokens, 3),
                     kSettings, torch::kFloat32, stage);
  };
  base::TemporaryFolder whole, parts;
  const SftResult expected = run_on_device(whole.path(), -1);
  EXPECT_EQ(expected.model.device(), device());
  EXPECT_THROW(run_on_device(parts.path(), 6), base::Interrupted);
  const SftResult resumed = run_on_device(parts.path(), -1);
  EXPECT_NEAR(resumed.validation.all, expected.validation.all, 1e-3);
}

}  // namespace
}  // namespace train
