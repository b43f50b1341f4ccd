#include "evaluate/variants.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace evaluate {
namespace {

FinishedRun run(const std::string& name, std::int64_t seed, base::Json settings,
                const std::string& recipe = "tiny") {
  return {name, seed, recipe, std::move(settings), {}};
}

TEST(Variants, RunsThatDifferInTheirSeedOnlyAreOne) {
  const auto variants = group_by_variant({run("a", 1, {{"rl.epochs", 2}, {"x", 1}}),
                                          run("b", 1, {{"rl.epochs", 4}, {"x", 1}}),
                                          run("c", 2, {{"rl.epochs", 2}, {"x", 1}})});
  ASSERT_EQ(variants.size(), 2u);
  EXPECT_EQ(variants[0].name, "rl.epochs=2");
  EXPECT_EQ(variants[1].name, "rl.epochs=4");
  ASSERT_EQ(variants[0].runs.size(), 2u);
  EXPECT_EQ(variants[0].runs[1].name, "c");
  EXPECT_EQ(variants[0].settings, (base::Json{{"rl.epochs", 2}}));
}

TEST(Variants, GoByTheRecipesNameWhereThatTellsThemApart) {
  const auto variants =
      group_by_variant({run("a", 1, {{"x", 1}}, "paper"), run("b", 1, {{"x", 2}}, "mine"),
                        run("c", 2, {{"x", 1}}, "paper")});
  EXPECT_EQ(variants[0].name, "paper");
  EXPECT_EQ(variants[1].name, "mine");
  EXPECT_EQ(
      group_by_variant({run("a", 1, {{"x", 1}}, "first"), run("b", 2, {{"x", 1}}, "second")})[0]
          .name,
      "variant 1");
}

TEST(Variants, AreNumberedWhereTooManySettingsDiffer) {
  const auto variants = group_by_variant({run("a", 1, {{"w", 1}, {"x", 1}, {"y", 1}, {"z", 1}}),
                                          run("b", 1, {{"w", 2}, {"x", 2}, {"y", 2}, {"z", 2}})});
  EXPECT_EQ(variants[1].name, "variant 2");
  EXPECT_EQ(variants[1].settings.size(), 4u);
}

TEST(Variants, ASeedTwiceIsRefused) {
  try {
    group_by_variant({run("a", 3, {{"x", 1}}), run("b", 3, {{"x", 1}})});
    FAIL();
  } catch (const base::UsageError& error) {
    EXPECT_EQ(std::string(error.what()),
              "a and b have the same settings and the same run.seed, 3: one of them is enough");
  }
}

}  // namespace
}  // namespace evaluate
