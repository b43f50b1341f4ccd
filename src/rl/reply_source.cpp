#include "rl/reply_source.h"

#include <algorithm>

#include "rl/lesson.h"

namespace rl {
namespace {

constexpr int kRedraws = 3;  // of states in place of those that teach nothing

base::RandomPlace place(const base::RandomPlace& at, std::string_view what, int round) {
  return {at.seed, what, at.step, static_cast<std::uint64_t>(round)};
}

dialogue::Sampling sampling(const RlSettings& settings, const base::RandomPlace& at, int round) {
  dialogue::Sampling sampling;
  sampling.temperature = settings.temperature;
  sampling.max_tokens = settings.max_tokens;
  sampling.seed = base::random_key(place(at, "rl/sampling", round));
  return sampling;
}

}  // namespace

bool compares_replies(const AlgorithmSettings& settings) {
  switch (algorithm_named(settings.algorithm)) {
    case Algorithm::ppo:
    case Algorithm::sft:
      return false;
    case Algorithm::reinforce_pp:
      return settings.baseline == "group_mean";
    default:
      return true;
  }
}

ReplySource::ReplySource(const recommend::TrainedModel& policy,
                         const recommend::TrainedModel& start, const reward::RewardModel& reward,
                         const Places& places, std::vector<JudgedUnit> judged,
                         const RlSettings& settings, torch::Dtype type)
    : policy_(policy),
      start_(start),
      reward_(reward),
      places_(places),
      judged_(std::move(judged)),
      settings_(resolved(settings)),
      algorithm_(algorithm_named(settings.algorithm)),
      compares_(compares_replies(settings_)),
      type_(type) {}

Replies ReplySource::draw(const base::RandomPlace& at) {
  Replies replies = has_judged() ? draw_judged(judged_, settings_.batch, place(at, "rl/judged", 0))
                                 : draw_scored(at, 0);
  // DAPO: states whose replies all score the same teach nothing; others are drawn instead.
  for (int round = 1; settings_.dynamic_sampling && round <= kRedraws; ++round) {
    Replaced replaced =
        replace_equal(std::move(replies), draw_scored(at, round), settings_.group_size);
    replies = std::move(replaced.replies);
    if (replaced.equal == 0) break;
  }
  return replies;
}

Replies ReplySource::draw_scored(const base::RandomPlace& at, int round) {
  Replies replies;
  replies.episodes = draw_replies(at, round);
  for (std::size_t i = 0; i < replies.episodes.size(); ++i)
    replies.states.push_back(static_cast<int>(i) / replies_to_a_state());
  replies.scores = scores_of(replies.episodes, place(at, "rl/shuffled", round));
  return replies;
}

std::vector<Episode> ReplySource::draw_replies(const base::RandomPlace& at, int round) {
  const bool logged = algorithm_ == Algorithm::sft && settings_.items != "clicks";
  const int each = replies_to_a_state();
  const std::vector<Place> places =
      draw_places(logged ? places_.imitable : places_.all, std::max(settings_.batch / each, 1),
                  place(at, "rl/states", round));
  if (logged)
    return logged_replies(places, policy_.tokens, policy_.state, settings_.max_tokens, positions());
  std::vector<dialogue::State> states;
  for (const dialogue::State& state : states_before(places, policy_.state))
    states.insert(states.end(), static_cast<std::size_t>(each), state);
  std::vector<Episode> episodes =
      roll_out(sampler(), policy_.tokens, states, sampling(settings_, at, round), positions());
  // The policy's weights change: what the sampler made of them is not held through the update.
  if (learns_by_advantages(algorithm_)) sampler_.reset();
  return episodes;
}

std::vector<double> ReplySource::scores_of(const std::vector<Episode>& episodes,
                                           const base::RandomPlace& at) const {
  std::vector<reward::ScoredReply> scored;
  for (const Episode& episode : episodes) {
    std::vector<int> ids = episode.prompt;
    ids.insert(ids.end(), episode.tokens.begin(), episode.tokens.end());
    scored.push_back({episode.action, std::move(ids)});
  }
  std::vector<double> scores = reward_.response_scores(scored);
  if (settings_.reward == "shuffled") base::Random(at).shuffle(scores);
  if (items_have_worth(settings_)) std::fill(scores.begin(), scores.end(), 0);
  if (settings_.reward == "length")
    for (std::size_t i = 0; i < scores.size(); ++i)
      scores[i] = static_cast<double>(episodes[i].tokens.size());
  return scores;
}

std::vector<Episode> ReplySource::own_replies(const base::RandomPlace& at) const {
  recommend::TrainedRecommender policy(
      "policy", policy_, {.slots = settings_.batch, .type = type_, .hash = "in-training"});
  return roll_out(
      policy, policy_.tokens,
      states_before(draw_places(places_.all, settings_.batch, place(at, "rl/measured", 0)),
                    policy_.state),
      sampling(settings_, at, 0), positions());
}

// The policy; its reference, which stands still, for algorithms that need no replies of the
// policy's own.
dialogue::Recommender& ReplySource::sampler() {
  const bool own = learns_by_advantages(algorithm_);
  if (!sampler_)
    sampler_ = std::make_unique<recommend::TrainedRecommender>(
        own ? "policy" : "reference", own ? policy_ : start_,
        recommend::ReplyOptions{.slots = settings_.batch,
                                .type = type_,
                                .hash = "in-training",
                                .numbers = kernels::matrix_numbers(settings_.rollout_weights)});
  return *sampler_;
}

}  // namespace rl
