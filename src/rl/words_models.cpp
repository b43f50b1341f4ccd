#include "rl/words_models.h"

namespace rl {

CurrentWeights current_weights(const WordsModels& models) {
  return {model::cast(models.policy, models.type), models.critic.weights()};
}

TokenScores score_policy(const WordsModels& models, const CurrentWeights& weights,
                         const std::vector<const Episode*>& episodes, const RlSettings& settings,
                         Learner learner) {
  const ValueHead head = models.critic.head();
  const bool on_trunk = algorithm_named(settings.algorithm) == Algorithm::ppo && !weights.critic;
  TokenScores scores = models.score(weights.policy, episodes,
                                    {.temperature = settings.temperature,
                                     .value_head = on_trunk ? &head : nullptr,
                                     .detach_values = learner == Learner::critic});
  if (weights.critic)
    scores.values =
        models.score(*weights.critic, episodes, {.value_head = &head, .values_only = true}).values;
  return scores;
}

TokenScores score_reference(const WordsModels& models, const std::vector<const Episode*>& episodes,
                            const RlSettings& settings) {
  return models.score(models.reference, episodes, {settings.temperature});
}

}  // namespace rl
