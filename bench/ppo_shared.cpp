#include "harness.h"
#include "ppo_iteration.h"

namespace bench {
namespace {

// Prompts worked out once, or once a reply.
base::Json compare_packings(int rounds, const train::DialogueTokens& tokens, PpoWork work) {
  const model::LanguageModel initial = ppo_model(work);
  PpoIteration shared(initial, tokens, work);
  work.packed = rl::Prompts::repeated;
  PpoIteration repeated(initial, tokens, work);
  const Comparison result = compare(
      rounds, [&] { shared.iterate(); }, [&] { repeated.iterate(); });
  base::Json json = {{"tokens_a_prompt", work.prompt},
                     {"tokens_a_reply", shared.mean_reply()},
                     {"score_share", shared.score_share()},
                     {"score_share_repeated", repeated.score_share()}};
  json.update(to_json(result));
  return json;
}

base::Json run_30m(const Options& options) {
  const train::DialogueTokens tokens = ppo_tokens();
  base::Json json;
  for (const int prompt : {64, 192}) {
    const base::Json figures =
        compare_packings(options.rounds, tokens, {.prompts = 8, .samples = 4, .prompt = prompt});
    for (const auto& [key, value] : figures.items())
      json["prompt_" + std::to_string(prompt) + "_" + key] = value;
  }
  return json;
}

base::Json run_124m(const Options& options) {
  return compare_packings(options.rounds, ppo_tokens(),
                          {.prompts = 4, .samples = 4, .layers = 12, .width = 768});
}

}  // namespace

std::vector<Benchmark> ppo_shared_benchmarks() {
  return {
      {"ppo-shared",
       "a PPO iteration of 6 layers x 384, 8 prompts x 4 replies of 64: prompts worked out once "
       "against once a reply",
       run_30m},
      {"ppo-shared-124m", "the same of 12 x 768, 4 prompts of 64 x 4 replies", run_124m}};
}

}  // namespace bench
