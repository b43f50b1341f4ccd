#include "experiment/toy.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/files.h"

namespace experiment {
namespace {

ToyTask named(const std::string& name) {
  for (const ToyTask& task : toy_tasks({}))
    if (task.name == name) return task;
  throw std::runtime_error("no task " + name);
}

// A tenth of its updates at three times the step: nearly there.
ToyResult learn_quickly(ToyTask task) {
  task.settings.iterations /= 10;
  task.settings.learning_rate *= 3;
  return learn_toy({}, task, 2);
}

TEST(Toy, LearningHeadsForTheClosedForm) {
  for (const char* name : {"ppo, beta 0.5", "grpo / deviation, beta 0.5"}) {
    const ToyTask task = named(name);
    const ToyResult result = learn_quickly(task);
    EXPECT_NEAR(result.score / task.expected.score, 1, .15) << name;
    EXPECT_NEAR(result.kl / task.expected.kl, 1, .3) << name;
  }
}

TEST(Toy, OneTokenIsLearned) {
  const Toy one_token{.length = 1};
  ToyTask task = ppo_task(one_token, .1);
  task.settings.iterations = 40;
  EXPECT_GT(learn_toy(one_token, task, 1).score, .8);
}

TEST(Toy, TheSameSeedGivesTheSameResult) {
  ToyTask task = named("dpo, beta 0.3");
  task.settings.iterations = 8;
  const ToyResult first = learn_toy({}, task, 5), second = learn_toy({}, task, 5),
                  other = learn_toy({}, task, 6);
  EXPECT_EQ(first.score, second.score);
  EXPECT_EQ(first.kl, second.kl);
  EXPECT_NE(first.score, other.score);
}

TEST(Toy, AResultIsOfTheTaskThatItWasMadeFrom) {
  base::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "task.json";
  const ToyTask task = named("ppo, beta 0.5");
  EXPECT_FALSE(read_toy_result(file, {}, task));
  write_toy_result(file, {}, task, {.score = 1.5, .kl = .25, .beta = .5, .seconds = 3});
  const auto back = read_toy_result(file, {}, task);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->score, 1.5);
  EXPECT_EQ(back->seconds, 3);
  ToyTask longer = task;
  longer.settings.iterations += 1;
  EXPECT_FALSE(read_toy_result(file, {}, longer));
  EXPECT_FALSE(read_toy_result(file, {}, named("rloo, beta 0.5")));
  EXPECT_FALSE(read_toy_result(file, {.length = 7}, task));
  // As they were written before tasks had a sum.
  base::write_file(file, R"({"schema": "attune.toy_result/1", "score": 1, "kl": 1, "beta": 1,
                             "seconds": 1})");
  EXPECT_FALSE(read_toy_result(file, {}, task));
}

TEST(Toy, TheBestOfNScoresAsTheoryHasIt) {
  const ToyBest best = best_of_toy({}, 4, 2000, 1);
  EXPECT_NEAR(best.expected, 1.21842, 1e-5);
  EXPECT_NEAR(best.kl_bound, .636, 1e-3);
  EXPECT_NEAR(best.score, best.expected, 4 * best.error);
}

}  // namespace
}  // namespace experiment
