#include "base/error.h"
#include "harness.h"
#include "kernels/log_prob_head.h"
#include "plain_ppo.h"
#include "ppo_iteration.h"

namespace bench {
namespace {

// Both must give a sequence's tokens the same probabilities.
void check_same(const model::LanguageModel& initial, PlainPpo& plain, const torch::Tensor& prompts,
                const PpoWork& work) {
  torch::NoGradGuard no_grad;
  const torch::Tensor ids = at::cat({prompts, prompts.flip(1)}, 1);
  const model::Weights weights = model::cast(initial, compute_type());
  std::vector<std::vector<int>> rows;
  for (std::int64_t b = 0; b < ids.size(0); ++b) {
    const std::int64_t* row = ids.data_ptr<std::int64_t>() + b * ids.size(1);
    rows.emplace_back(row, row + ids.size(1));
  }
  const torch::Tensor hidden = model::hidden_states(weights, model::pack(rows))
                                   .view({ids.size(0), work.prompt + work.reply, -1})
                                   .narrow(1, work.prompt - 1, work.reply)
                                   .reshape({-1, initial.config.width});
  const torch::Tensor ours =
      kernels::log_prob_head(hidden, weights.head,
                             ids.narrow(1, work.prompt, work.reply).reshape({-1}).contiguous())
          .log_probs;
  const double difference = (ours - plain.log_probs(ids).reshape({-1})).abs().max().item<double>();
  base::check(difference < rounding(.05), "bench ppo: log-probabilities differ by ", difference);
}

base::Json one(const Options& options, const PpoWork& work) {
  const model::LanguageModel initial = ppo_model(work);
  const rl::RlSettings settings = ppo_settings(work);
  PpoIteration ours(initial, ppo_tokens(), work);

  const torch::Tensor prompts =
                          at::randint(kPpoVocabulary, {work.batch(), work.prompt}, torch::kInt64),
                      scores =
                          at::arange(work.batch(), torch::kInt64).remainder(2).to(torch::kFloat32);
  const PlainPpoShape shape{work.prompt, work.reply, settings.minibatch, settings.epochs};
  const PlainModel::Attention attention = faster_attention([&](PlainModel::Attention candidate) {
    PlainPpo one(initial, candidate, shape);
    one.iterate(prompts, scores, kPpoLearningRate);
    return seconds([&] { one.iterate(prompts, scores, kPpoLearningRate); });
  });
  PlainPpo plain(initial, attention, shape);
  check_same(initial, plain, prompts, work);

  const Comparison result = compare(
      options.rounds, [&] { ours.iterate(); },
      [&] { plain.iterate(prompts, scores, kPpoLearningRate); });
  base::Json json = {{"plain_attention", name_of(attention)},
                     {"plain_tokens_a_reply", work.reply},
                     {"ours_tokens_a_reply", ours.mean_reply()},
                     {"ours_rollout_share", ours.rollout_share()},
                     {"ours_score_share", ours.score_share()}};
  json.update(to_json(result));
  return json;
}

}  // namespace

std::vector<Benchmark> ppo_benchmarks() {
  const auto benchmark = [](const char* name, const char* help, const PpoWork& work) -> Benchmark {
    return {name,
            std::string("a PPO iteration of ") + help +
                ", vocabulary 50,257, 4 epochs of minibatches of 8",
            [work](const Options& options) { return one(options, work); }};
  };
  return {benchmark("ppo", "6 layers x 384, 32 x (64 + 64)", {}),
          benchmark("ppo-124m", "12 x 768, 16 x (64 + 64)",
                    {.prompts = 16, .layers = 12, .width = 768})};
}

}  // namespace bench
