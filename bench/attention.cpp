#include "kernels/attention.h"

#include <torch/csrc/autograd/autograd.h>

#include "base/error.h"
#include "base/format.h"
#include "harness.h"
#include "plain_model.h"

namespace bench {
namespace {

constexpr std::int64_t kTokens = 1024, kHeads = 12, kWidth = 64;

// [T, H D] from qkv [T, 3 H D], T / length sequences of one length.
torch::Tensor plain(const torch::Tensor& qkv, std::int64_t length, PlainModel::Attention kind) {
  return plain_attention(
             qkv.view({-1, length, 3, kHeads, kWidth}).permute({2, 0, 3, 1, 4}).unbind(0), kind)
      .view({-1, kHeads * kWidth});
}

struct Case {
  torch::Tensor qkv, upstream;  // [T, 3 H D], [T, H D]
  std::int64_t length;
  std::vector<std::int64_t> bounds;
};

Case make_case(std::int64_t length) {
  Case made{at::randn({kTokens, 3 * kHeads * kWidth}).to(compute_type()).requires_grad_(true),
            at::randn({kTokens, kHeads * kWidth}).to(compute_type()),
            length,
            {}};
  for (std::int64_t t = 0; t <= kTokens; t += length) made.bounds.push_back(t);
  return made;
}

torch::Tensor ours(const Case& of) { return kernels::attention(of.qkv, of.bounds, {kHeads}); }

template <class Attend>
torch::Tensor gradient(const Case& of, const Attend& attend) {
  return torch::autograd::grad({attend()}, {of.qkv}, {of.upstream})[0];
}

base::Json one(const Options& options, const Case& of) {
  const auto plain_forward = [&](PlainModel::Attention kind) {
    torch::NoGradGuard no_grad;
    plain(of.qkv, of.length, kind);
  };
  const auto plain_both = [&](PlainModel::Attention kind) {
    return gradient(of, [&] { return plain(of.qkv, of.length, kind); });
  };
  const auto our_both = [&] { return gradient(of, [&] { return ours(of); }); };
  base::check(relative_error(our_both(), plain_both(PlainModel::Attention::fused)) < rounding(2e-2),
              "bench attention: the gradients differ");

  const auto faster = [](const auto& work) {
    return faster_attention([&](PlainModel::Attention kind) {
      work(kind);
      return seconds([&] {
        for (int i = 0; i < 5; ++i) work(kind);
      });
    });
  };
  const PlainModel::Attention forward = faster(plain_forward), both = faster(plain_both);
  // Several of them a round: one takes a millisecond or two.
  const auto often = [](const auto& work) {
    return [work] {
      for (int i = 0; i < 10; ++i) work();
    };
  };
  const Comparison a = compare(options.rounds, often([&] {
                                 torch::NoGradGuard no_grad;
                                 ours(of);
                               }),
                               often([&] { plain_forward(forward); }));
  const Comparison b =
      compare(options.rounds, often([&] { our_both(); }), often([&] { plain_both(both); }));
  // Of the causal half alone, t (t + 1) / 2 scores of D: 2 products forward and 4 backward.
  const double product = kTokens * (static_cast<double>(of.length) + 1) * kHeads * kWidth * 10;
  return {{"forward_ratio", a.ratio},
          {"forward_gflops", 2 * product / a.ours / 1e9},
          {"forward_peer", name_of(forward)},
          {"ratio", b.ratio},
          {"ratio_quartiles", {b.low, b.high}},
          {"gflops", 6 * product / b.ours / 1e9},
          {"peer", name_of(both)},
          {"quiet_rounds", b.quiet_rounds},
          {"probed_gflops", b.peak}};
}

base::Json run(const Options& options) {
  base::Json json;
  for (const std::int64_t length : {64, 128, 256, 512})
    json[base::concatenate("length ", length)] = one(options, make_case(length));
  return json;
}

}  // namespace

Benchmark attention_benchmark() {
  return {"attention", "causal attention of 1,024 tokens in segments, 12 heads of 64", run};
}

}  // namespace bench
