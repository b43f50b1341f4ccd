#include "feedback/health.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/files.h"
#include "feedback/test_store.h"

namespace feedback {
namespace {

constexpr std::int64_t kDay = 24 * 3600 * 1000, kNow = 100 * kDay;

const SignalHealth& named(const std::vector<SignalHealth>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(),
                       [&](const SignalHealth& one) { return one.name == name; });
}

// One person's conversation at a time: looked at for `seconds`, rated by that.
void talk(Store& store, const std::string& name, std::int64_t at, double seconds) {
  const std::string subject = "person of " + name;
  store.write(test::of_consent(subject, true, at));
  store.write(test::small_talk(name, subject, at));
  store.write(test::of_events(
      {test::event(
           name, "dwell", subject, at + 9000,
           {{"visible_ms", 1000 * seconds}, {"after_ms", 1000 * seconds}, {"activations", 1}}),
       test::event(name, "rating", subject, at + 9500, {{"value", seconds > 3 ? 1 : -1}})}));
}

TEST(SignalHealth, SaysHowOftenHowMuchAndWhetherItChanged) {
  const base::TemporaryFolder folder;
  Store store(folder.path() / "feedback.db");
  // Before: 2 and 4 seconds; in the last week 5, 6 and 7.
  talk(store, "a", kNow - 30 * kDay, 2);
  talk(store, "b", kNow - 29 * kDay, 4);
  talk(store, "c", kNow - 3 * kDay, 5);
  talk(store, "d", kNow - 2 * kDay, 6);
  talk(store, "e", kNow - 1 * kDay, 7);
  const auto health = signal_health(store, {}, {.now = kNow});
  const SignalHealth& dwell = named(health, "dwell");
  EXPECT_EQ(dwell.n, 3);
  EXPECT_EQ(dwell.rate, 1);
  ASSERT_TRUE(dwell.mean_before.has_value());
  // All replies have the same words, so seconds are in proportion to those of twenty words.
  EXPECT_NEAR(dwell.mean / *dwell.mean_before, 6. / 3, 1e-9);
  // Variances 1 of 3 and 2 of 2: 3 / sqrt(1/3 + 2/2).
  ASSERT_TRUE(dwell.drift.has_value());
  EXPECT_NEAR(*dwell.drift, 3 / std::sqrt(4. / 3), 1e-9);
}

TEST(SignalHealth, AReplyIsRecentByItselfHoweverLongAgoItsConversationBegan) {
  const base::TemporaryFolder folder;
  Store store(folder.path() / "feedback.db");
  talk(store, "a", kNow - 30 * kDay, 2);
  Batch later = test::small_talk("a later", "person of a", kNow - kDay);
  later.conversations.clear();
  for (StoredTurn& turn : later.turns) turn.conversation = test::id("a");
  later.turns[0].parent = test::id("a answer");
  later.decisions[0].conversation = test::id("a");
  EXPECT_EQ(store.write(std::move(later)).error, "");
  const auto health = signal_health(store, {}, {.now = kNow});
  const SignalHealth& relevance = named(health, "relevance");  // every reply has one
  EXPECT_EQ(relevance.n, 1);
  EXPECT_TRUE(relevance.mean_before.has_value());
}

TEST(SignalHealth, OfNobodyIsEmptyOfNumbers) {
  const base::TemporaryFolder folder;
  Store store(folder.path() / "feedback.db");
  for (const SignalHealth& one : signal_health(store, {}, {.now = kNow})) {
    EXPECT_EQ(one.n, 0) << one.name;
    EXPECT_FALSE(one.mean_before.has_value());
    EXPECT_FALSE(one.drift.has_value());
  }
}

}  // namespace
}  // namespace feedback
