#include "experiment/cart_pole.h"

#include <gtest/gtest.h>

namespace experiment {
namespace {

TEST(CartPole, MovesByItsEquations) {
  CartPole cart;
  cart.set_state({.01, -.02, .03, .04});
  EXPECT_FALSE(cart.push(true));
  // The equations of Barto et al. (1983), worked out apart.
  const CartPole::State& state = cart.state();
  EXPECT_NEAR(state[0], .01 + .02 * -.02, 1e-12);
  EXPECT_NEAR(state[2], .03 + .02 * .04, 1e-12);
  EXPECT_NEAR(state[1], .1746792, 1e-7);
  EXPECT_NEAR(state[3], -.2430687, 1e-7);
}

TEST(CartPole, EndsWhereThePoleFallsOrAfterItsLastStep) {
  CartPole cart;
  cart.set_state({0, 0, .2, 1});
  EXPECT_TRUE(cart.push(false));  // .22 rad is more than 12 degrees
  base::Random random({1, "test"});
  cart.begin(random);
  int steps = 0;
  while (!cart.push(steps % 2 == 0) && ++steps < 1000) {
  }
  EXPECT_LT(steps, CartPole::kMostSteps);
}

TEST(CartPole, IsLearnedByTheSameAdvantagesAndLosses) {
  const CartPoleResult result = learn_cart_pole(30'000, 1);
  EXPECT_LT(result.returns.front(), 100);
  EXPECT_GT(result.last, 120);
  EXPECT_EQ(learn_cart_pole(4'096, 3).returns, learn_cart_pole(4'096, 3).returns);
}

}  // namespace
}  // namespace experiment
