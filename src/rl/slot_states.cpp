#include "rl/slot_states.h"

#include "recommend/language_states.h"

namespace rl {

SlotReference::SlotReference(const recommend::TrainedModel& start, const model::Weights& weights)
    : start_(start),
      weights_(weights),
      items_(start.ranker.item_tables(recommend::item_embeddings(weights, start.tokens))) {}

std::vector<SlotStates> SlotReference::read(
    const recommend::Ranker& policy, const model::Weights& current,
    const std::vector<std::vector<dialogue::State>>& steps) const {
  torch::NoGradGuard no_grad;
  std::vector<dialogue::State> all;
  for (const std::vector<dialogue::State>& states : steps)
    all.insert(all.end(), states.begin(), states.end());
  torch::Tensor policy_hidden, reference_hidden;  // [B of all steps, C]
  if (policy.uses_language()) {
    policy_hidden = recommend::language_hidden(current, start_.tokens, all);
    reference_hidden = recommend::language_hidden(weights_, start_.tokens, all);
  }
  std::vector<SlotStates> out;
  std::int64_t first = 0;
  for (const std::vector<dialogue::State>& states : steps) {
    const auto count = static_cast<std::int64_t>(states.size());
    SlotStates step;
    for (const dialogue::State& state : states)
      step.policy.contexts.push_back(policy.read_state(state));
    recommend::RankBatch reference = step.policy;
    reference.items = items_;
    if (policy.uses_language()) {
      step.policy.language_hidden = policy_hidden.narrow(0, first, count);
      reference.language_hidden = reference_hidden.narrow(0, first, count);
    }
    step.reference = at::log_softmax(start_.ranker.logits(reference), 1);
    out.push_back(std::move(step));
    first += count;
  }
  return out;
}

}  // namespace rl
