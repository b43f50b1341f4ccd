#include "harness.h"
#include "ppo_iteration.h"

namespace bench {
namespace {

// Prompts of so many tokens once, or once a reply.
base::Json compare_packings(int rounds, const train::DialogueTokens& tokens, int prompt) {
  PpoWork work{.prompts = 8, .samples = 4, .prompt = prompt};
  const model::LanguageModel initial = ppo_model(work);
  PpoIteration shared(initial, tokens, work);
  work.packed = rl::Prompts::repeated;
  PpoIteration repeated(initial, tokens, work);
  const Comparison result = compare(
      rounds, [&] { shared.iterate(); }, [&] { repeated.iterate(); });
  base::Json json = {{"tokens_a_prompt", prompt},
                     {"tokens_a_reply", shared.mean_reply()},
                     {"score_share", shared.score_share()},
                     {"score_share_repeated", repeated.score_share()}};
  json.update(to_json(result));
  return json;
}

base::Json run(const Options& options) {
  const train::DialogueTokens tokens = ppo_tokens();
  base::Json json;
  for (const int prompt : {64, 192}) {
    const base::Json figures = compare_packings(options.rounds, tokens, prompt);
    for (const auto& [key, value] : figures.items())
      json["prompt_" + std::to_string(prompt) + "_" + key] = value;
  }
  return json;
}

}  // namespace

Benchmark ppo_shared_benchmark() {
  return {"ppo-shared",
          "a PPO iteration of 6 layers x 384, 8 prompts x 4 replies of 64: prompts worked out once "
          "against once a reply",
          run};
}

}  // namespace bench
