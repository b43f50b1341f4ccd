#include "serve/worker.h"

#include <future>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace serve {
namespace {

TEST(Worker, DoesOnePieceAfterAnotherAndTurnsAwayWhatIsTooMuch) {
  std::promise<void> begun, go, last;
  std::string done;
  Worker worker(2);
  EXPECT_TRUE(worker.run([&] {
    begun.set_value();
    go.get_future().wait();
    done += "a";
  }));
  begun.get_future().wait();
  EXPECT_TRUE(worker.run([&] { done += "b"; }));
  EXPECT_TRUE(worker.run([&] { last.set_value(); }));
  EXPECT_FALSE(worker.run([&] { done += "c"; }));
  go.set_value();
  last.get_future().wait();
  EXPECT_EQ(done, "ab");
}

TEST(Worker, StoppingDropsWhatHasNotBegun) {
  std::promise<void> begun, dropped;
  std::string done;
  Worker worker(2);
  worker.run([&] {
    begun.set_value();
    dropped.get_future().wait();
    done += "a";
  });
  begun.get_future().wait();
  // Gone with its work.
  auto told = std::shared_ptr<void>(nullptr, [&](void*) { dropped.set_value(); });
  worker.run([&done, held = std::move(told)] { done += "b"; });
  worker.stop();
  EXPECT_EQ(done, "a");
  EXPECT_FALSE(worker.run([] {}));
}

}  // namespace
}  // namespace serve
