#include <torch/csrc/autograd/autograd.h>

#include "base/error.h"
#include "base/format.h"
#include "harness.h"
#include "kernels/log_prob_head.h"
#include "plain_model.h"

namespace bench {
namespace {

constexpr std::int64_t kTokens = 1024, kVocabulary = 50257, kChunk = 128;

struct Case {
  torch::Tensor hidden, weight, targets;
};

Case make_case(std::int64_t width) {
  const auto random = [&](std::int64_t rows) {
    return (at::randn({rows, width}) * .2).to(compute_type()).requires_grad_(true);
  };
  return {random(kTokens), random(kVocabulary), at::randint(0, kVocabulary, {kTokens})};
}

torch::Tensor ours(const Case& of) {
  torch::NoGradGuard no_grad;
  return kernels::log_prob_head(of.hidden, of.weight, of.targets).log_probs;
}

// In chunks of tokens, so that no more than 128 rows of logits are there at a time.
torch::Tensor chunked(const Case& of) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts;
  for (std::int64_t begin = 0; begin < kTokens; begin += kChunk) {
    const torch::Tensor logits =
        at::linear(of.hidden.narrow(0, begin, kChunk), of.weight).to(torch::kFloat32);
    parts.push_back(
        at::log_softmax(logits, -1).gather(1, of.targets.narrow(0, begin, kChunk).unsqueeze(1)));
  }
  return at::cat(parts).view({kTokens});
}

torch::autograd::variable_list gradients(const Case& of, const torch::Tensor& loss) {
  return torch::autograd::grad({loss}, {of.hidden, of.weight});
}

torch::autograd::variable_list our_step(const Case& of) {
  return gradients(of, kernels::weighted_log_prob(of.hidden, of.weight, of.targets,
                                                  torch::full({kTokens}, -1.f / kTokens)));
}

torch::autograd::variable_list full_step(const Case& of) {
  return gradients(
      of, at::cross_entropy_loss(at::linear(of.hidden, of.weight).to(torch::kFloat32), of.targets));
}

base::Json one(const Options& options, const Case& of) {
  base::check(relative_error(ours(of), chunked(of)) < rounding(1e-2),
              "bench head: the results differ");
  const auto mine = our_step(of), theirs = full_step(of);
  for (std::size_t i = 0; i < mine.size(); ++i)
    base::check(relative_error(mine[i], theirs[i]) < rounding(2e-2),
                "bench head: the gradients differ");
  const Comparison forward = compare(
                       options.rounds, [&] { ours(of); }, [&] { chunked(of); }),
                   both = compare(
                       options.rounds, [&] { our_step(of); }, [&] { full_step(of); });
  const double product = 2. * kTokens * kVocabulary * static_cast<double>(of.hidden.size(1));
  return {{"forward_ratio", forward.ratio},
          {"forward_us_per_token", forward.ours / kTokens * 1e6},
          {"forward_share_of_peak", product / forward.ours / 1e9 / forward.peak},
          {"ratio", both.ratio},
          {"ratio_quartiles", {both.low, both.high}},
          {"us_per_token", both.ours / kTokens * 1e6},
          {"share_of_peak", 3 * product / both.ours / 1e9 / both.peak},
          {"quiet_rounds", both.quiet_rounds}};
}

base::Json run(const Options& options) {
  base::Json json;
  for (const std::int64_t width : {384, 768, 1024})
    json[base::concatenate("width ", width)] = one(options, make_case(width));
  return json;
}

}  // namespace

Benchmark head_benchmark() {
  return {"head", "log-probabilities of 1,024 tokens among 50,257, against chunks and full", run};
}

}  // namespace bench
