#include "model/draw_loop.h"

#include "base/error.h"
#include "kernels/sampling.h"
#include "kernels/test_device.h"
#include "model/test_models.h"

namespace model {
namespace {

// Heads 8 wide, as a GPU's cache wants them.
LanguageModel small(const std::string& kind) {
  return random_model(kind == "llama" ? testing::tiny("llama") : gpt2_config(2, 4, 32, 32, 50), 1);
}

class DrawLoopTest : public kernels::testing::OnDevice {};
ATTUNE_ON_DEVICES(DrawLoopTest);

std::vector<double> uniforms(int n, int which) {
  std::vector<double> out;
  for (int i = 0; i < n; ++i) out.push_back(std::fmod(.618034 * (i + 1) + .37 * which, 1));
  return out;
}

TEST_P(DrawLoopTest, DrawsWhatOneStepAtATimeDraws) {
  for (const char* kind : {"gpt2", "llama"}) {
    const LanguageModel model = small(kind).on(device());
    torch::NoGradGuard no_grad;
    const Weights weights = cast(model, torch::kFloat32);
    const std::vector<std::vector<int>> prompts = {testing::sequence(9, 5), testing::sequence(3, 2),
                                                   testing::sequence(12, 1)};
    Decoder together(weights, 3, 32);
    const auto started = together.start(prompts);
    std::vector<DrawRequest> requests;
    for (int b = 0; b < 3; ++b)
      requests.push_back({.slot = started.slots[static_cast<std::size_t>(b)],
                          .token = 4 + b,
                          .temperature = .5 + b,
                          .uniforms = uniforms(5 + 4 * b, b),
                          .end = 49});
    DrawLoop loop(together, 50);
    const std::vector<DrawnTokens> drawn = loop.draw(requests);
    for (std::size_t b = 0; b < 3; ++b) {
      Decoder alone(weights, 1, 32);
      const auto single = alone.start({prompts[b]});
      int token = requests[b].token;
      ASSERT_LE(drawn[b].tokens.size(), requests[b].uniforms.size());
      for (std::size_t i = 0; i < drawn[b].tokens.size(); ++i) {
        const torch::Tensor logits =
            at::linear(alone.append(single.slots, {token}), weights.head).cpu().contiguous();
        const kernels::Draw expected = kernels::draw(
            logits.data_ptr<float>(), 50, requests[b].temperature, requests[b].uniforms[i]);
        ASSERT_EQ(drawn[b].tokens[i], expected.index) << kind << " row " << b << " token " << i;
        EXPECT_NEAR(drawn[b].log_probs[i], expected.log_prob, 1e-4);
        token = static_cast<int>(expected.index);
      }
      const bool ended = drawn[b].tokens.back() == 49;
      EXPECT_TRUE(ended || drawn[b].tokens.size() == requests[b].uniforms.size());
      EXPECT_EQ(together.length(started.slots[b]),
                static_cast<std::int64_t>(prompts[b].size() + drawn[b].tokens.size()));
    }
  }
}

TEST_P(DrawLoopTest, DrawnInPartsASequenceIsTheSame) {
  const LanguageModel model = small("gpt2").on(device());
  torch::NoGradGuard no_grad;
  const Weights weights = cast(model, torch::kFloat32);
  const std::vector<double> all = uniforms(12, 1);
  const auto draw_in = [&](const std::vector<std::size_t>& parts) {
    Decoder decoder(weights, 2, 32);
    const auto started = decoder.start({testing::sequence(9, 5)});
    DrawLoop loop(decoder, 48);
    std::vector<int> tokens = {3};
    std::size_t next = 0;
    int other = 49;
    for (const std::size_t part : parts) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(next);
      const DrawnTokens drawn =
          loop.draw({{.slot = started.slots[0],
                      .token = tokens.back(),
                      .uniforms = {begin, begin + static_cast<std::ptrdiff_t>(part)},
                      .end = 47,
                      .other = other,
                      .limit = static_cast<std::int64_t>(all.size() - next)}})[0];
      for (int token : drawn.tokens) {
        tokens.push_back(token);
        if (token == other) other = -1;
      }
      next += part;
      if (tokens.back() == 47) break;
    }
    return tokens;
  };
  const std::vector<int> whole = draw_in({12});
  EXPECT_EQ(draw_in({1, 3, 8}), whole);
  EXPECT_EQ(std::count(whole.begin(), whole.end(), 49), 1);  // it comes at the end at the latest
}

TEST_P(DrawLoopTest, RefusesMoreTokensThanThereIsRoomFor) {
  const LanguageModel model = small("gpt2").on(device());
  torch::NoGradGuard no_grad;
  const Weights weights = cast(model, torch::kFloat32);
  Decoder decoder(weights, 1, 10);
  const auto started = decoder.start({testing::sequence(8, 5)});
  DrawLoop loop(decoder, 50);
  EXPECT_THROW(loop.draw({{.slot = started.slots[0], .uniforms = {.5, .5, .5}}}), base::Error);
  EXPECT_TRUE(loop.draw({}).empty());
}

}  // namespace
}  // namespace model
