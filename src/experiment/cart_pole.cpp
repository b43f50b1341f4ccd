#include "experiment/cart_pole.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/interrupt.h"
#include "model/parameters.h"
#include "rl/advantages.h"
#include "rl/losses.h"
#include "train/adamw.h"

namespace experiment {
namespace {

constexpr int kCarts = 4, kRollout = 128, kMinibatches = 4, kEpochs = 4, kWidth = 64;
constexpr double kDiscount = .99, kLambda = .95, kLearningRate = 2.5e-4;

// [rows, columns] with orthogonal rows or columns, times `gain`.
torch::Tensor orthogonal(std::int64_t rows, std::int64_t columns, double gain,
                         const base::RandomPlace& place) {
  const std::int64_t most = std::max(rows, columns), least = std::min(rows, columns);
  const auto [q, r] = at::linalg_qr(model::normal_values({most, least}, 1, place));
  const torch::Tensor turned = q * at::sign(at::diagonal(r));
  return gain * (rows >= columns ? turned : turned.t()).contiguous();
}

// Two networks side by side: the policy's logits and the value.
class Networks {
 public:
  explicit Networks(std::uint64_t seed) {
    for (const char* name : {"policy", "value"}) {
      const bool is_policy = name[0] == 'p';
      add(name, 1, kWidth, 4, std::sqrt(2.), seed);
      add(name, 2, kWidth, kWidth, std::sqrt(2.), seed);
      add(name, 3, is_policy ? 2 : 1, kWidth, is_policy ? .01 : 1, seed);
    }
  }
  torch::Tensor log_probs(const torch::Tensor& states) const {  // [B, 4] -> [B, 2]
    return at::log_softmax(forward("policy", states), 1);
  }
  torch::Tensor values(const torch::Tensor& states) const {  // [B, 4] -> [B]
    return forward("value", states).squeeze(1);
  }
  std::vector<torch::Tensor> tensors() const { return parameters_.tensors(); }

 private:
  static std::string name_of(const std::string& network, int layer, const char* what) {
    return network + std::to_string(layer) + what;
  }
  void add(const std::string& network, int layer, std::int64_t rows, std::int64_t columns,
           double gain, std::uint64_t seed) {
    const std::uint64_t stream = network == "value";
    parameters_.add(name_of(network, layer, ".weight"),
                    orthogonal(rows, columns, gain,
                               {seed, "cart-pole", static_cast<std::uint64_t>(layer), stream}));
    parameters_.add(name_of(network, layer, ".bias"), torch::zeros({rows}));
  }
  torch::Tensor forward(const std::string& network, torch::Tensor x) const {
    for (int layer = 1; layer <= 3; ++layer) {
      x = at::linear(x, parameters_.at(name_of(network, layer, ".weight")),
                     parameters_.at(name_of(network, layer, ".bias")));
      if (layer < 3) x = x.tanh();
    }
    return x;
  }
  model::ParameterSet parameters_;
};

// One cart's steps up to the end of its episode or of the rollout: what GAE calls a reply.
struct Stretch {
  std::vector<std::int64_t> steps;  // numbers in the rollout
  double after = 0;                 // the value of the state after it, where it goes on
};

struct Rollout {
  std::vector<torch::Tensor> states, actions, log_probs, values;  // one a time step: [carts]
  std::vector<Stretch> stretches;
};

class Learner {
 public:
  Learner(int steps, std::uint64_t seed)
      : seed_(seed),
        rollouts_(steps / (kCarts * kRollout)),
        networks_(seed),
        optimiser_(networks_.tensors(), {.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0}),
        random_({seed, "cart-pole/play"}) {
    for (CartPole& cart : carts_) cart.begin(random_);
  }

  std::vector<double> run() {
    for (int i = 0; i < rollouts_; ++i) {
      base::stop_if_interrupted();
      const Rollout rollout = play();
      learn(rollout, i);
    }
    return std::move(returns_);
  }

 private:
  torch::Tensor states() const {
    torch::Tensor out = torch::empty({kCarts, 4});
    for (int cart = 0; cart < kCarts; ++cart)
      for (int i = 0; i < 4; ++i)
        out.data_ptr<float>()[4 * cart + i] = static_cast<float>(
            carts_[static_cast<std::size_t>(cart)].state()[static_cast<std::size_t>(i)]);
    return out;
  }

  Rollout play() {
    torch::NoGradGuard no_grad;
    Rollout rollout;
    std::vector<Stretch> open(kCarts);
    for (int t = 0; t < kRollout; ++t) {
      rollout.states.push_back(states());
      const torch::Tensor log_probs = networks_.log_probs(rollout.states.back());
      rollout.values.push_back(networks_.values(rollout.states.back()));
      torch::Tensor actions = torch::empty({kCarts}, torch::kInt64);
      for (int cart = 0; cart < kCarts; ++cart) {
        const auto c = static_cast<std::size_t>(cart);
        const bool right = random_.uniform() >= std::exp(log_probs.data_ptr<float>()[2 * cart]);
        actions.data_ptr<std::int64_t>()[cart] = right;
        open[c].steps.push_back(t * kCarts + cart);
        if (!carts_[c].push(right)) continue;
        returns_.push_back(carts_[c].steps());
        carts_[c].begin(random_);
        rollout.stretches.push_back(std::move(open[c]));
        open[c] = {};
      }
      rollout.log_probs.push_back(log_probs.gather(1, actions.unsqueeze(1)).squeeze(1));
      rollout.actions.push_back(actions);
    }
    const torch::Tensor after = networks_.values(states());
    for (int cart = 0; cart < kCarts; ++cart) {
      Stretch& stretch = open[static_cast<std::size_t>(cart)];
      if (stretch.steps.empty()) continue;
      stretch.after = after.data_ptr<float>()[cart];
      rollout.stretches.push_back(std::move(stretch));
    }
    return rollout;
  }

  // Advantages and returns of all steps, [steps] each, by GAE over the stretches.
  rl::Advantages estimate(const Rollout& rollout, const torch::Tensor& values) const {
    const auto rows = static_cast<std::int64_t>(rollout.stretches.size());
    torch::Tensor places = torch::zeros({rows, kRollout}, torch::kInt64),
                  mask = torch::zeros({rows, kRollout}, torch::kBool), after = torch::zeros({rows});
    for (std::int64_t row = 0; row < rows; ++row) {
      const Stretch& stretch = rollout.stretches[static_cast<std::size_t>(row)];
      const auto length = static_cast<std::int64_t>(stretch.steps.size());
      places[row].narrow(0, 0, length).copy_(torch::tensor(stretch.steps, torch::kInt64));
      mask[row].narrow(0, 0, length).fill_(true);
      after[row] = stretch.after;
    }
    const torch::Tensor rewards = torch::ones({rows, kRollout});
    const rl::Advantages found = rl::estimate_advantages(
        rewards, values.index_select(0, places.flatten()).view({rows, kRollout}), mask,
        {.discount = kDiscount, .lambda = kLambda, .bootstrap = after});
    const auto by_step = [&](const torch::Tensor& x) {
      return torch::zeros({kCarts * kRollout})
          .index_put({places.masked_select(mask)}, x.masked_select(mask));
    };
    return {by_step(found.advantages), by_step(found.returns)};
  }

  void learn(const Rollout& rollout, int number) {
    const torch::Tensor states = at::cat(rollout.states), actions = at::cat(rollout.actions),
                        old = at::cat(rollout.log_probs), old_values = at::cat(rollout.values);
    const rl::Advantages found = estimate(rollout, old_values);
    const double learning_rate = kLearningRate * (1 - static_cast<double>(number) / rollouts_);
    std::vector<std::int64_t> order(kCarts * kRollout);
    std::iota(order.begin(), order.end(), 0);
    const std::size_t size = order.size() / kMinibatches;
    for (int epoch = 0; epoch < kEpochs; ++epoch) {
      base::Random({seed_, "cart-pole/order", static_cast<std::uint64_t>(number),
                    static_cast<std::uint64_t>(epoch)})
          .shuffle(order);
      for (std::size_t begin = 0; begin < order.size(); begin += size) {
        const torch::Tensor chosen = torch::tensor(
            std::vector<std::int64_t>(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                      order.begin() + static_cast<std::ptrdiff_t>(begin + size)),
            torch::kInt64);
        const auto rows = [&](const torch::Tensor& x) { return x.index_select(0, chosen); };
        const torch::Tensor mask = torch::ones({static_cast<std::int64_t>(size)}, torch::kBool),
                            all = networks_.log_probs(rows(states));
        const torch::Tensor log_probs = all.gather(1, rows(actions).unsqueeze(1)).squeeze(1),
                            entropies = -(all.exp() * all).sum(1);
        const torch::Tensor loss =
            rl::ppo_loss(log_probs, rows(old), rl::whiten(rows(found.advantages), mask), mask)
                .loss +
            .5 * rl::value_loss(networks_.values(rows(states)), rows(old_values),
                                rows(found.returns), mask)
                     .loss +
            rl::entropy_loss(entropies, mask, .01);
        loss.backward();
        optimiser_.step(learning_rate, .5);
      }
    }
  }

  const std::uint64_t seed_;
  const int rollouts_;
  Networks networks_;
  train::AdamW optimiser_;
  base::Random random_;
  std::array<CartPole, kCarts> carts_;
  std::vector<double> returns_;
};

}  // namespace

void CartPole::begin(base::Random& random) {
  for (double& number : state_) number = .1 * random.uniform() - .05;
  steps_ = 0;
}

bool CartPole::push(bool right) {
  constexpr double kGravity = 9.8, kPole = .1, kAll = 1.1, kHalfLength = .5, kForce = 10,
                   kTime = .02, kDegrees = 3.14159265358979323846 / 180;
  auto& [place, speed, angle, turning] = state_;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double push =
      ((right ? kForce : -kForce) + kPole * kHalfLength * turning * turning * sine) / kAll;
  const double turn =
      (kGravity * sine - cosine * push) / (kHalfLength * (4. / 3 - kPole * cosine * cosine / kAll));
  const double pull = push - kPole * kHalfLength * turn * cosine / kAll;
  place += kTime * speed;
  speed += kTime * pull;
  angle += kTime * turning;
  turning += kTime * turn;
  ++steps_;
  return std::abs(place) > 2.4 || std::abs(angle) > 12 * kDegrees || steps_ >= kMostSteps;
}

CartPoleResult learn_cart_pole(int steps, std::uint64_t seed) {
  const auto start = std::chrono::steady_clock::now();
  CartPoleResult result{Learner(steps, seed).run()};
  const std::size_t last = std::min<std::size_t>(100, result.returns.size());
  for (std::size_t i = result.returns.size() - last; i < result.returns.size(); ++i)
    result.last += result.returns[i] / static_cast<double>(last);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  result.seconds = seconds.count();
  return result;
}

}  // namespace experiment
