#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace experiment {

// A pole on a cart that is pushed left or right (Barto, Sutton & Anderson 1983), with gym's
// constants for CartPole-v1: reward 1 a step; it ends where the pole leans more than 12 degrees,
// the cart is more than 2.4 away, or after 500 steps.
class CartPole {
 public:
  using State = std::array<double, 4>;  // place, speed, angle, angular speed
  static constexpr int kMostSteps = 500;

  // Every number of the state uniform in [-.05, .05].
  void begin(base::Random& random);
  // True where that was the last step.
  bool push(bool right);

  const State& state() const { return state_; }
  int steps() const { return steps_; }
  void set_state(const State& state) { state_ = state; }  // for tests

 private:
  State state_{};
  int steps_ = 0;
};

// PPO's advantages, losses and optimiser on the cart, with CleanRL's settings for it (Huang et al.
// 2022): 4 carts, 128 steps a rollout, 4 minibatches, 4 epochs, two networks of 64 x 64 tanh,
// 2.5e-4 falling to 0, discount .99, lambda .95, entropy .01, value weight .5, gradient clip .5.
struct CartPoleResult {
  std::vector<double> returns;  // of each episode, in order of their ends
  double last = 0;              // mean of the last 100
  double seconds = 0;
};
CartPoleResult learn_cart_pole(int steps, std::uint64_t seed);

}  // namespace experiment
