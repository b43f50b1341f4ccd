#include "rl/slot_states.h"

#include "recommend/language_states.h"

namespace rl {

SlotReference::SlotReference(const recommend::TrainedModel& start, const model::Weights& weights)
    : start_(start),
      weights_(weights),
      items_(start.ranker.item_tables(recommend::item_embeddings(weights, start.tokens))) {}

SlotHidden SlotHidden::rows(std::int64_t first, std::int64_t count) const {
  if (!policy.defined()) return {};
  return {policy.narrow(0, first, count), reference.narrow(0, first, count)};
}

SlotHidden SlotReference::read(const recommend::Ranker& policy, const model::Weights& current,
                               const std::vector<dialogue::State>& states) const {
  if (!policy.uses_language()) return {};
  return {recommend::language_hidden(current, start_.tokens, states),
          recommend::language_hidden(weights_, start_.tokens, states)};
}

SlotStates SlotReference::see(const recommend::Ranker& policy,
                              const std::vector<dialogue::State>& states,
                              const SlotHidden& hidden) const {
  torch::NoGradGuard no_grad;
  SlotStates out;
  for (const dialogue::State& state : states)
    out.policy.contexts.push_back(policy.read_state(state));
  recommend::RankBatch reference = out.policy;
  reference.items = items_;
  out.policy.language_hidden = hidden.policy;
  reference.language_hidden = hidden.reference;
  out.reference = at::log_softmax(start_.ranker.logits(reference), 1);
  return out;
}

}  // namespace rl
