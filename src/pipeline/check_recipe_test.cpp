#include "pipeline/check_recipe.h"

#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/settings.h"

namespace pipeline {
namespace {

// What is said against a recipe with one setting changed; nothing where it passes.
std::string complaint(const std::string& assignment) {
  Recipe recipe;
  base::override_setting(base::list_settings(recipe), assignment);
  try {
    check_recipe(recipe);
  } catch (const base::UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(CheckRecipe, TheDefaultsPass) { EXPECT_NO_THROW(check_recipe(Recipe())); }

TEST(CheckRecipe, RolloutsIn8BitsAreRefusedOnAGpu) {
  const torch::Device gpu(torch::kCUDA, 0);
  Recipe recipe;
  EXPECT_NO_THROW(check_device(recipe, gpu));
  recipe.rl.rollout_weights = "int8";
  EXPECT_NO_THROW(check_device(recipe, torch::kCPU));
  EXPECT_THROW(check_device(recipe, gpu), base::UsageError);
}

TEST(CheckRecipe, NoStageBeginsWithASettingThatALaterOneRefuses) {
  for (const char* assignment : {"state.window=0",
                                 "run.kernels=fast",
                                 "tokenizer.vocabulary=255",
                                 "model.width=7",
                                 "model.layers=0",
                                 "model.lora.rank=4",
                                 "sft.epochs=0",
                                 "sft.learning_rate=-1",
                                 "sft.dropout=1",
                                 "ranker.members=0",
                                 "ranker.terms=[\"copy\"]",
                                 "ranker.terms=[\"nonsense\"]",
                                 "ranker.max_word_share=5",
                                 "reward.blend=sum",
                                 "reward.target=all",
                                 "reward.words=letters",
                                 "rl.beta=-1",
                                 "rl.lambda=1.5",
                                 "rl.discount=-0.1",
                                 "rl.score_clip=0",
                                 "rl.temperature=0",
                                 "rl.reward=more",
                                 "rl.rollout_weights=int4",
                                 "rl.sampler_cap=-2",
                                 "rl.gate=open",
                                 "rl.items=prices",
                                 "rl.items=clicks",
                                 "rl.click_position_bias=1",
                                 "rl.click_position_bias=-1",
                                 "rl.batch=1",
                                 "rl.algorithm=guess",
                                 "rl.critic=elsewhere",
                                 "rl.critic_warmup=60",
                                 "rl.critic_learning_rate=1e-3",
                                 "evaluation.resamples=0",
                                 "evaluation.temperature=-1"}) {
    const std::string text = complaint(assignment), given = assignment;
    EXPECT_NE(text.find(given.substr(given.find('.') + 1, given.find('=') - given.find('.') - 1)),
              std::string::npos)
        << given << ": " << text;
  }
}

TEST(CheckRecipe, SaysWhatIsExpected) {
  EXPECT_EQ(complaint("rl.gate=open"), "rl.gate is \"open\", expected warn or refuse");
  EXPECT_EQ(complaint("rl.reward=more"),
            "rl.reward is \"more\", expected learned, shuffled, length, unpopular or gold");
  EXPECT_EQ(complaint("rl.beta=-1"), "rl.beta is -1, expected at least 0");
}

TEST(CheckRecipe, ClicksAreForWhatLearnsFromJudgements) {
  const auto with = [](const std::string& algorithm, const std::string& reward) {
    Recipe recipe;
    recipe.rl.items = "clicks";
    recipe.rl.algorithm = algorithm;
    recipe.rl.reward = reward;
    recipe.rl.click_position_bias = 1;
    check_recipe(recipe);
  };
  for (const char* algorithm : {"kto", "dpo", "sft", "reward_weighted"})
    EXPECT_NO_THROW(with(algorithm, "learned")) << algorithm;
  for (const char* algorithm : {"ppo", "grpo", "rloo", "reinforce_pp", "best_of_n"})
    EXPECT_THROW(with(algorithm, "learned"), base::UsageError) << algorithm;
  for (const char* reward : {"shuffled", "length", "unpopular", "gold"})
    EXPECT_THROW(with("kto", reward), base::UsageError) << reward;
}

TEST(CheckRecipe, ATokenizerOfOnesOwnNeedsNoVocabulary) {
  Recipe recipe;
  recipe.tokenizer.vocabulary = 0;
  recipe.tokenizer.folder = "tokenizers/mine";
  EXPECT_NO_THROW(check_recipe(recipe));
}

}  // namespace
}  // namespace pipeline
