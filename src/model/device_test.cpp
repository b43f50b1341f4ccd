// A language model on a GPU against the same on the processor.
#include "kernels/log_prob_head.h"
#include "kernels/test_device.h"
#include "model/decoder.h"
#include "model/test_models.h"

namespace model {
namespace {

using kernels::testing::apart;

class ModelOn : public kernels::testing::OnDevice {};
ATTUNE_ON_DEVICES(ModelOn);

const Packed& packed() {
  static const Packed all = pack(
      {testing::sequence(9, 5), testing::sequence(1, 7), testing::sequence(5, 2)}, {-1, -1, 0});
  return all;
}

TEST_P(ModelOn, HiddenStatesAndGradientsAreThoseOfTheProcessor) {
  for (const char* kind : {"gpt2", "gpt2-switches", "llama", "qwen2"}) {
    const LanguageModel here = random_model(testing::tiny(kind), 1), there = here.on(device());
    EXPECT_EQ(there.device(), device());
    const auto run = [&](const LanguageModel& model) {
      const torch::Tensor hidden = hidden_states(cast(model, torch::kFloat32), packed());
      hidden.square().sum().backward();
      std::vector<torch::Tensor> found = {hidden.detach()};
      for (const torch::Tensor& tensor : model.parameters.tensors())
        if (tensor.grad().defined()) found.push_back(tensor.grad().clone());
      for (torch::Tensor tensor : model.parameters.tensors()) tensor.mutable_grad().reset();
      return found;
    };
    const auto ours = run(there), plain = run(here);
    ASSERT_EQ(ours.size(), plain.size());
    for (std::size_t i = 0; i < ours.size(); ++i)
      EXPECT_LT(apart(ours[i], plain[i]), 1e-4 * (1 + plain[i].abs().max().item<double>())) << kind;
  }
}

TEST_P(ModelOn, InBf16ItStaysNearFp32WithAndWithoutGradientAlike) {
  const LanguageModel here = random_model(gpt2_config(2, 4, 64, 32, 50), 1),
                      there = here.on(device());
  const torch::Tensor with = hidden_states(cast(there, torch::kBFloat16), packed());
  torch::NoGradGuard no_grad;
  const torch::Tensor without = hidden_states(cast(there, torch::kBFloat16), packed()),
                      plain = hidden_states(cast(here, torch::kFloat32), packed());
  EXPECT_TRUE(at::equal(with, without));
  EXPECT_LT(apart(with, plain), .1);
}

TEST_P(ModelOn, ADecoderGoesOnAsTheWholeSequenceDoes) {
  for (const auto& [config, type, tolerance] :
       {std::tuple(gpt2_config(2, 4, 64, 32, 50), torch::kFloat32, 1e-4),
        std::tuple(gpt2_config(2, 4, 64, 32, 50), torch::kBFloat16, .1),
        std::tuple(testing::tiny("llama"), torch::kFloat32, 1e-4)}) {
    torch::NoGradGuard no_grad;
    const LanguageModel model = random_model(config, 1).on(device());
    const Weights weights = cast(model, type);
    const std::vector<int> ids = testing::sequence(12, 5);
    const torch::Tensor whole = hidden_states(weights, pack({ids}));
    Decoder decoder(weights, 3, 32);
    const auto started = decoder.start({testing::sequence(4, 9), {ids.begin(), ids.begin() + 7}});
    EXPECT_LT(apart(started.last_hidden[1], whole[6]), tolerance);
    for (std::size_t t = 7; t < ids.size(); ++t)
      EXPECT_LT(
          apart(decoder.append(started.slots, {3, ids[t]})[1], whole[static_cast<std::int64_t>(t)]),
          tolerance)
          << "token " << t;
  }
}

TEST_P(ModelOn, ItsHashAndItsCopyAreThoseOfTheProcessor) {
  const LanguageModel here = random_model(testing::tiny("gpt2"), 1), there = here.on(device());
  EXPECT_EQ(hash_tensors(there.values()), hash_tensors(here.values()));
  EXPECT_EQ(hash_tensors(there.copy().on(torch::kCPU).values()), hash_tensors(here.values()));
}

}  // namespace
}  // namespace model
