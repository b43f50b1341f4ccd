#include "kernels/draw_step.h"

#include <gtest/gtest.h>

#include "kernels/sampling.h"
#include "kernels/test_device.h"

namespace kernels {
namespace {

constexpr std::int64_t kRows = 300, kWidth = 24, kMost = 4;
constexpr int kEnd = 7;

// One row a case, all other fields alike: what is drawn from, and the state before.
struct Case {
  double u = .5, temperature = 1;
  int other = -1, step = 0, pause = kMost, limit = kMost, end = kEnd;
  bool active = true;
};

struct Drawn {
  DrawState state;  // afterwards, on the processor
  torch::Tensor logits, hidden, head;

  int token(std::size_t row, int step) const {
    return state.tokens[static_cast<std::int64_t>(row)][step].item<int>();
  }
  double log_prob(std::size_t row, int step) const {
    return state.log_probs[static_cast<std::int64_t>(row)][step].item<double>();
  }
  int field(std::size_t row, DrawState::Field field) const {
    return state.field(field)[static_cast<std::int64_t>(row)].item<int>();
  }
};

class DrawStep : public testing::OnDevice {
 protected:
  Drawn draw_all(const std::vector<Case>& cases) const {
    const auto batch = static_cast<std::int64_t>(cases.size());
    DrawState state = empty_state(batch, kMost, torch::kCPU);
    for (std::int64_t b = 0; b < batch; ++b) {
      const Case& one = cases[static_cast<std::size_t>(b)];
      const auto set = [&](DrawState::Field field, int value) { state.field(field)[b] = value; };
      set(DrawState::position, 10);
      set(DrawState::token, 99);
      set(DrawState::active, one.active);
      set(DrawState::end, one.end);
      set(DrawState::other, one.other);
      set(DrawState::step, one.step);
      set(DrawState::pause, one.pause);
      set(DrawState::limit, one.limit);
      state.temperatures[b] = one.temperature;
      state.uniforms[b].fill_(one.u);
    }
    Drawn out{state, testing::random({batch, kRows}, 1), testing::random({batch, kWidth}, 2),
              testing::random({400, kWidth}, 3)};
    for (torch::Tensor* x :
         {&state.fields, &state.temperatures, &state.uniforms, &state.tokens, &state.log_probs})
      *x = x->to(device());
    draw_step(out.logits.to(device()), out.hidden.to(device()), out.head.to(device()), state);
    out.state = {state.fields.cpu(), state.temperatures.cpu(), state.uniforms.cpu(),
                 state.tokens.cpu(), state.log_probs.cpu()};
    return out;
  }
};
ATTUNE_ON_DEVICES(DrawStep);

TEST_P(DrawStep, ARowDrawsAsTheSamplerDoesAndGoesOn) {
  std::vector<Case> cases;
  for (int i = 0; i < 40; ++i)
    cases.push_back({.u = (i + .5) / 40, .temperature = i % 4 == 0 ? 0 : .3 * (i % 4)});
  const Drawn drawn = draw_all(cases);
  for (std::size_t b = 0; b < cases.size(); ++b) {
    const torch::Tensor row = drawn.logits[static_cast<std::int64_t>(b)].contiguous();
    const Draw expected =
        draw(row.data_ptr<float>(), kRows, static_cast<float>(cases[b].temperature), cases[b].u);
    EXPECT_EQ(drawn.token(b, 0), expected.index) << "row " << b;
    EXPECT_NEAR(drawn.log_prob(b, 0), expected.log_prob, 1e-4) << "row " << b;
    const bool ends = expected.index == kEnd;
    EXPECT_EQ(drawn.field(b, DrawState::active), !ends);
    EXPECT_EQ(drawn.field(b, DrawState::step), 1);
    EXPECT_EQ(drawn.field(b, DrawState::position), ends ? 10 : 11);
    EXPECT_EQ(drawn.field(b, DrawState::token), ends ? 99 : expected.index);
  }
}

TEST_P(DrawStep, AnotherTokenHasItsOwnProbabilityAndTheEndWaitsForIt) {
  std::vector<Case> cases;
  for (int i = 0; i < 200; ++i) cases.push_back({.u = (i + .5) / 200, .other = 350});
  const Drawn drawn = draw_all(cases);
  int named = 0;
  for (std::size_t b = 0; b < cases.size(); ++b) {
    const auto row = static_cast<std::int64_t>(b);
    torch::Tensor logits =
        at::cat({drawn.logits[row], at::dot(drawn.head[350], drawn.hidden[row]).view({1})});
    logits[kEnd] = -1e9;
    const Draw expected = draw(logits.data_ptr<float>(), kRows + 1, 1, cases[b].u);
    const bool names = expected.index == kRows;
    named += names;
    EXPECT_EQ(drawn.token(b, 0), names ? 350 : expected.index);
    EXPECT_NEAR(drawn.log_prob(b, 0), expected.log_prob, 1e-4);
    EXPECT_EQ(drawn.field(b, DrawState::other), names ? -1 : 350);
    EXPECT_NE(drawn.token(b, 0), kEnd);
  }
  EXPECT_GT(named, 0);
}

TEST_P(DrawStep, WithoutAnEndTheOtherMayComeBesideAllRows) {
  std::vector<Case> cases;
  for (int i = 0; i < 300; ++i) cases.push_back({.u = (i + .5) / 300, .other = 350, .end = -1});
  const Drawn drawn = draw_all(cases);
  for (std::size_t b = 0; b < cases.size(); ++b) {
    const auto row = static_cast<std::int64_t>(b);
    const torch::Tensor logits =
        at::cat({drawn.logits[row], at::dot(drawn.head[350], drawn.hidden[row]).view({1})});
    const Draw expected = draw(logits.data_ptr<float>(), kRows + 1, 1, cases[b].u);
    EXPECT_EQ(drawn.token(b, 0), expected.index == kRows ? 350 : expected.index);
    EXPECT_NEAR(drawn.log_prob(b, 0), expected.log_prob, 1e-4);
  }
}

TEST_P(DrawStep, TheLastTokenIsTheOtherWhereItHasNotComeYet) {
  const Drawn drawn = draw_all({{.other = 350, .step = 3}, {.other = -1, .step = 3}});
  EXPECT_EQ(drawn.token(0, 3), 350);
  EXPECT_EQ(drawn.log_prob(0, 3), 0);
  EXPECT_LT(drawn.token(1, 3), kRows);
  for (const std::size_t row : {0, 1}) EXPECT_EQ(drawn.field(row, DrawState::active), 0);
}

TEST_P(DrawStep, ARowThatPausesKeepsItsPlaceAndOneThatIsNotActiveIsLeftAlone) {
  const Drawn drawn = draw_all(
      {{.other = 350, .step = 1, .pause = 2}, {.active = false}, {.u = 0}, {.u = .999999}});
  EXPECT_EQ(drawn.field(0, DrawState::active), 0);
  EXPECT_EQ(drawn.field(0, DrawState::step), 2);
  EXPECT_EQ(drawn.field(0, DrawState::position), 10);
  EXPECT_EQ(drawn.field(1, DrawState::step), 0);
  EXPECT_EQ(drawn.field(1, DrawState::token), 99);
  EXPECT_EQ(drawn.token(2, 0), 0);
  EXPECT_EQ(drawn.token(3, 0), kRows - 1);
}

}  // namespace
}  // namespace kernels
