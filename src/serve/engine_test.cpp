#include "serve/engine.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

#include <gtest/gtest.h>

#include "base/error.h"
#include "serve/stub_recommender.h"

namespace serve {
namespace {

using namespace std::chrono_literals;

dialogue::Catalogue one_item() {
  return dialogue::Catalogue(
      {{.id = "7", .title = "Heat (1995)", .domain = "", .year = 1995, .attributes = {}}});
}

// Steps only as often as the test lets it.
class GatedRecommender final : public dialogue::Recommender {
 public:
  explicit GatedRecommender(const dialogue::Catalogue& catalogue) : stub_(catalogue) {}
  std::string name() const override { return "gated"; }
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override {
    return stub_.rank(states);
  }
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override {
    if (sampling.max_items == 3) throw base::UsageError("three are too many");
    return stub_.open(state, sampling);
  }
  std::vector<dialogue::ReplyStep> step() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return allowed_ > 0; });
    --allowed_;
    if (broken_) throw base::UsageError("it broke");
    auto steps = stub_.step();
    largest = std::max(largest, steps.size());
    return steps;
  }
  dialogue::Reply close(std::int64_t id) override { return stub_.close(id); }

  void allow(int steps) {
    const std::lock_guard lock(mutex_);
    allowed_ += steps;
    changed_.notify_all();
  }
  void break_down() {
    const std::lock_guard lock(mutex_);
    broken_ = true;
  }
  std::size_t largest = 0;  // batch of a step; of the engine's thread

 private:
  StubRecommender stub_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = 0;
  bool broken_ = false;
};

struct Held {
  std::promise<EngineReply> promise;
  std::atomic<int> words{0};
  std::promise<void> first;
  EngineCallbacks callbacks() {
    return {[this](const std::string&) {
              if (words++ == 0) first.set_value();
            },
            [this](EngineReply reply) { promise.set_value(std::move(reply)); }};
  }
  EngineReply reply() { return promise.get_future().get(); }
};

dialogue::Sampling tokens(int n) {
  dialogue::Sampling sampling;
  sampling.max_tokens = n;
  return sampling;
}

TEST(Engine, RepliesJoinAndLeaveARunningBatch) {
  const dialogue::Catalogue catalogue = one_item();
  GatedRecommender recommender(catalogue);
  Held long_one, short_one;
  {
    Engine engine(recommender);
    engine.submit({}, tokens(4), long_one.callbacks());
    recommender.allow(1);
    long_one.first.get_future().wait();
    engine.submit({}, tokens(2), short_one.callbacks());
    // Joining is seen at the latest one step later: the step under way may have begun before.
    recommender.allow(3);
    EXPECT_EQ(long_one.reply().reply.decision.tokens.size(), 4u);
    recommender.allow(2);
    EXPECT_EQ(short_one.reply().reply.decision.tokens.size(), 2u);
  }
  // Both were in one batch at some step.
  EXPECT_EQ(recommender.largest, 2u);
}

TEST(Engine, ACancelledReplyEndsWithinTwoSteps) {
  const dialogue::Catalogue catalogue = one_item();
  GatedRecommender recommender(catalogue);
  Held held;
  Engine engine(recommender);
  const auto ticket = engine.submit({}, tokens(100), held.callbacks());
  recommender.allow(1);
  held.first.get_future().wait();
  engine.cancel(*ticket);
  recommender.allow(1);  // one may be under way
  const EngineReply reply = held.reply();
  EXPECT_TRUE(reply.cancelled);
  EXPECT_LE(reply.reply.decision.tokens.size(), 3u);
  EXPECT_GE(reply.reply.decision.tokens.size(), 1u);
}

TEST(Engine, TurnsAwayWhatItHasNoPlaceFor) {
  const dialogue::Catalogue catalogue = one_item();
  GatedRecommender recommender(catalogue);
  Held first;
  std::vector<std::unique_ptr<Held>> others;
  Engine engine(recommender, {.max_open = 1, .max_waiting = 2});
  engine.submit({}, tokens(2), first.callbacks());
  recommender.allow(1);
  first.first.get_future().wait();  // it has its place
  int taken = 0;
  for (int i = 0; i < 10; ++i) {
    others.push_back(std::make_unique<Held>());
    taken += engine.submit({}, tokens(1), others.back()->callbacks()).has_value();
  }
  EXPECT_EQ(taken, 2);
  recommender.allow(20);
  EXPECT_EQ(first.reply().reply.decision.tokens.size(), 2u);
}

TEST(Engine, FillsItsPlacesWhereNobodyMayWait) {
  const dialogue::Catalogue catalogue = one_item();
  GatedRecommender recommender(catalogue);
  std::vector<std::unique_ptr<Held>> held;
  Engine engine(recommender, {.max_open = 3, .max_waiting = 0});
  int taken = 0;
  for (int i = 0; i < 5; ++i) {
    held.push_back(std::make_unique<Held>());
    taken += engine.submit({}, tokens(1), held.back()->callbacks()).has_value();
  }
  const bool full = engine.full();
  EXPECT_TRUE(engine.run([](dialogue::Recommender&) {}));
  recommender.allow(10);
  ASSERT_EQ(taken, 3);
  EXPECT_TRUE(full);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(held[i]->reply().reply.decision.tokens.size(), 1u);
}

TEST(Engine, DoesOtherWorkOnTheRecommendersThread) {
  const dialogue::Catalogue catalogue = one_item();
  StubRecommender recommender(catalogue);
  Engine engine(recommender);
  std::promise<std::size_t> rows;
  EXPECT_TRUE(engine.run([&](dialogue::Recommender& it) {
    rows.set_value(it.rank({dialogue::State{}, dialogue::State{}}).size());
  }));
  EXPECT_EQ(rows.get_future().get(), 2u);
}

TEST(Engine, AFailureOfTheModelReachesEveryReplyAndNobodyElse) {
  const dialogue::Catalogue catalogue = one_item();
  GatedRecommender recommender(catalogue);
  Engine engine(recommender);
  Held refused;
  dialogue::Sampling three;
  three.max_items = 3;
  engine.submit({}, three, refused.callbacks());
  EXPECT_EQ(refused.reply().error, "three are too many");
  Held broken;
  engine.submit({}, tokens(3), broken.callbacks());
  recommender.break_down();
  recommender.allow(1);
  EXPECT_EQ(broken.reply().error, "it broke");
}

TEST(Engine, StoppingCancelsWhatIsLeft) {
  const dialogue::Catalogue catalogue = one_item();
  GatedRecommender recommender(catalogue);
  Held open, waiting;
  Engine engine(recommender, {.max_open = 1, .max_waiting = 5});
  engine.submit({}, tokens(1'000'000'000), open.callbacks());
  recommender.allow(1);
  open.first.get_future().wait();
  engine.submit({}, tokens(100), waiting.callbacks());
  std::thread stop([&] { engine.stop(); });
  recommender.allow(1'000'000'000);
  EXPECT_TRUE(open.reply().cancelled);
  EXPECT_TRUE(waiting.reply().cancelled);
  stop.join();
  EXPECT_FALSE(engine.submit({}, tokens(1), {}).has_value());
}

}  // namespace
}  // namespace serve
