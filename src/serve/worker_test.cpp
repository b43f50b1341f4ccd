#include "serve/worker.h"

#include <future>

#include <gtest/gtest.h>

namespace serve {
namespace {

TEST(Worker, DoesOnePieceAfterAnotherAndTurnsAwayWhatIsTooMuch) {
  std::promise<void> begun, go;
  std::string done;
  {
    Worker worker(2);
    EXPECT_TRUE(worker.run([&] {
      begun.set_value();
      go.get_future().wait();
      done += "a";
    }));
    begun.get_future().wait();
    EXPECT_TRUE(worker.run([&] { done += "b"; }));
    EXPECT_TRUE(worker.run([&] { done += "c"; }));
    EXPECT_FALSE(worker.run([&] { done += "d"; }));
    go.set_value();
  }  // what waits is done before it ends
  EXPECT_EQ(done, "abc");
}

}  // namespace
}  // namespace serve
