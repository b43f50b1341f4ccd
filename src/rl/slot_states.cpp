#include "rl/slot_states.h"

#include "recommend/train_ranker.h"

namespace rl {

SlotReference::SlotReference(const recommend::TrainedModel& start, const model::Weights& weights)
    : start_(start),
      weights_(weights),
      items_(start.ranker.item_tables(recommend::item_embeddings(weights, start.tokens))) {}

SlotStates SlotReference::read(const recommend::Ranker& policy, const model::Weights& current,
                               const std::vector<dialogue::State>& states) const {
  torch::NoGradGuard no_grad;
  SlotStates out;
  for (const dialogue::State& state : states)
    out.policy.contexts.push_back(policy.read_state(state));
  recommend::RankBatch reference = out.policy;
  reference.items = items_;
  if (policy.uses_language()) {
    out.policy.language_hidden = recommend::language_hidden(current, start_.tokens, states);
    reference.language_hidden = recommend::language_hidden(weights_, start_.tokens, states);
  }
  out.reference = at::log_softmax(start_.ranker.logits(reference), 1);
  return out;
}

}  // namespace rl
