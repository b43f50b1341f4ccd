#include "pipeline/reward_words.h"

#include <algorithm>

#include "base/error.h"
#include "base/random.h"
#include "recommend/trained_recommender.h"

namespace pipeline {
namespace {

constexpr int kCalibrationStates = 512;

// What the language model reads of a turn: the state before, then the reply, within its context.
std::vector<int> ids_of(const dialogue::Dialogue& dialogue, int turn,
                        const recommend::TrainedModel& sft) {
  const auto t = static_cast<std::size_t>(turn);
  std::vector<int> reply = sft.tokens.encode(dialogue::render_turn(dialogue.turns[t]));
  const auto context = static_cast<std::size_t>(sft.language.config.context);
  reply.erase(reply.begin());  // <|recommender|>, which ends the prompt
  if (reply.size() > context / 2) reply.resize(context / 2);
  std::vector<int> ids = sft.tokens.encode_prompt(dialogue::state_before(dialogue, t, sft.state),
                                                  static_cast<int>(context - reply.size()));
  ids.insert(ids.end(), reply.begin(), reply.end());
  return ids;
}

reward::LanguageScorer train_language(const Run& run, const recommend::TrainedModel& sft,
                                      const reward::ResponseScorer& scorer,
                                      const std::vector<reward::ResponseOutcome>& outcomes) {
  const reward::LanguageScorerSettings& settings = run.recipe().reward.language;
  const std::size_t count = std::min(outcomes.size(), static_cast<std::size_t>(settings.replies));
  std::vector<reward::ScoredSequence> sequences;
  for (std::size_t i = 0; i < count; ++i) {
    const reward::ResponseOutcome& outcome = outcomes[i * outcomes.size() / count];
    base::Random random({.seed = run.seed(),
                         .stage = "reward/language-stop",
                         .stream = static_cast<std::uint64_t>(outcome.cluster)});
    sequences.push_back({ids_of(*outcome.dialogue, outcome.turn, sft),
                         outcome.blend - scorer.foretold(*outcome.dialogue, outcome.turn),
                         random.chance(.1)});
  }
  return reward::train_language_scorer(sft.language.copy(),
                                       sft.tokens.special(dialogue::Special::end), sequences,
                                       settings, run.type(), run.seed(), run.console());
}

}  // namespace

WordsReward train_words(const Run& run, const recommend::TrainedModel& sft,
                        const std::vector<reward::ResponseOutcome>& known,
                        const std::vector<reward::ResponseOutcome>& held_out) {
  WordsReward words{reward::ResponseScorer(known, run.seed()), {}, {}};
  std::vector<double> scores;
  if (run.recipe().reward.words == "language_model") {
    words.language = train_language(run, sft, words.scorer, known);
    std::vector<std::vector<int>> ids;
    for (const reward::ResponseOutcome& outcome : held_out)
      ids.push_back(ids_of(*outcome.dialogue, outcome.turn, sft));
    scores = words.language->score(ids);
  } else {
    for (const reward::ResponseOutcome& outcome : held_out)
      scores.push_back(
          words.scorer.score(outcome.dialogue->turns[static_cast<std::size_t>(outcome.turn)]));
  }
  words.quality = reward::response_quality(scores, words.scorer, held_out, run.seed());
  if (words.quality)
    run.console().line(base::concatenate("reward  words of a reply: Pearson ",
                                         metrics::format_interval(words.quality),
                                         " with what of the blend the state does not foretell"));
  return words;
}

void calibrate_on_samples(reward::RewardModel& model, const recommend::TrainedModel& sft,
                          const Run& run, const std::vector<dialogue::Dialogue>& dialogues) {
  std::vector<dialogue::State> states;
  base::Random random({.seed = run.seed(), .stage = "reward/calibration"});
  for (int i = 0;
       i < kCalibrationStates * 20 && static_cast<int>(states.size()) < kCalibrationStates; ++i) {
    const dialogue::Dialogue& dialogue = dialogues[random.below(dialogues.size())];
    if (dialogue.turns.size() < 2) continue;
    const std::size_t turn = 1 + random.below(dialogue.turns.size() - 1);
    if (dialogue.turns[turn].role == dialogue::Role::recommender)
      states.push_back(dialogue::state_before(dialogue, turn, sft.state));
  }
  recommend::TrainedRecommender recommender("sft", sft,
                                            {.type = run.type(), .hash = "calibration"});
  dialogue::Sampling sampling;
  sampling.max_tokens = run.recipe().rl.max_tokens;
  sampling.seed = run.seed();
  const std::vector<dialogue::Reply> replies =
      dialogue::reply_to_all(recommender, states, sampling);
  std::vector<double> item_scores;
  std::vector<reward::ScoredReply> scored;
  const auto room = static_cast<int>(sft.language.config.context) - sampling.max_tokens - 2;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    std::vector<int> ids = sft.tokens.encode_prompt(states[i], room);
    const std::vector<int>& said = replies[i].decision.tokens;
    ids.insert(ids.end(), said.begin(), said.end());
    scored.push_back({replies[i].action, std::move(ids)});
    if (!replies[i].action.item) continue;
    const torch::Tensor scores =
        model.item_scores({recommend::context_of(states[i], model.words())});
    item_scores.push_back(scores[0][*replies[i].action.item].item<double>());
  }
  model.set_item_calibration(reward::calibrate(item_scores));
  model.set_response_calibration(reward::calibrate(model.response_scores(scored)));
}

}  // namespace pipeline
