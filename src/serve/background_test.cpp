#include "serve/background.h"

#include <future>

#include <gtest/gtest.h>

namespace serve {
namespace {

TEST(Background, WorksWhenItIsAskedAndKeepsWhatItFound) {
  std::promise<void> worked;
  int times = 0;
  Background background(
      [&] {
        if (++times == 1) worked.set_value();
        return base::Json(times);
      },
      std::chrono::hours(1));
  EXPECT_TRUE(background.latest().is_null());
  worked.get_future().wait();
  base::Json found;
  while ((found = background.latest()).is_null()) std::this_thread::yield();
  EXPECT_EQ(found, 1);
  EXPECT_EQ(background.latest(), 1);  // not again within the hour
}

TEST(Background, AFailureLeavesWhatWasThere) {
  std::promise<void> failed;
  int times = 0;
  Background background(
      [&]() -> base::Json {
        if (++times == 1) return "good";
        if (times == 2) failed.set_value();
        throw std::runtime_error("bad");
      },
      std::chrono::milliseconds(0));
  auto done = failed.get_future();
  while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready) background.latest();
  EXPECT_EQ(background.latest(), "good");
}

}  // namespace
}  // namespace serve
