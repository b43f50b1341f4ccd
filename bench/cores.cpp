#include "harness.h"
#include "kernels/compute.h"
#include "kernels/log_prob_head.h"
#include "kernels/probe.h"
#include "model/forward.h"
#include "sequences.h"
#include "sft_step.h"

namespace bench {
namespace {

constexpr std::int64_t kVocabulary = 50257;

// On all cores against one: how many times as fast.
base::Json figures_of(const Options& options, int cores, const std::function<void()>& work) {
  const Comparison result = compare(options.rounds, work, [&] {
    kernels::use_threads(1);
    work();
    kernels::use_threads(cores);
  });
  return {{"seconds", result.ours},
          {"seconds_of_one", result.plain},
          {"ratio", result.ratio},
          {"ratio_quartiles", {result.low, result.high}},
          {"quiet_rounds", result.quiet_rounds}};
}

base::Json run(const Options& options) {
  const int cores = kernels::use_threads(0);
  if (cores < 2) return nullptr;
  std::vector<double> of_products;
  for (int i = 0; i < options.rounds; ++i) {
    const kernels::Probe machine = kernels::probe(compute_type());
    of_products.push_back(machine.peak / machine.one_thread);
  }
  base::Json figures = {{"cores", cores}, {"matrix_products_ratio", median(of_products)}};
  const auto add = [&](const std::string& name, const std::function<void()>& work) {
    const base::Json one = figures_of(options, cores, work);
    for (const auto& [key, value] : one.items()) figures[name + "_" + key] = value;
  };
  const model::LanguageModel small =
      model::random_model(model::gpt2_config(6, 6, 384, 256, 15000), 1);
  const std::vector<train::Sequence> dialogues = random_sequences(dialogue_lengths(), 15000);
  SftStep small_step(small, dialogues);
  add("sft_6x384", [&] { small_step.step(); });

  const model::LanguageModel large =
      model::random_model(model::gpt2_config(12, 12, 768, 256, kVocabulary), 1);
  const std::vector<train::Sequence> sequences =
      random_sequences(std::vector<int>(4, 256), kVocabulary);
  SftStep large_step(large, sequences);
  add("sft_124m", [&] { large_step.step(); });

  const model::Weights weights = model::cast(large, compute_type());
  const model::Packed prompts = model::pack(random_prompts(16, 128, kVocabulary));
  add("scoring_124m", [&] {
    torch::NoGradGuard no_grad;
    kernels::log_prob_head(model::hidden_states(weights, prompts), weights.head,
                           prompts.ids.to(torch::kInt64));
  });
  return figures;
}

}  // namespace

Benchmark cores_benchmark() {
  return {"cores", "training and scoring on all cores against one", run, "there is one core only"};
}

}  // namespace bench
