#include "rl/best_of_recommender.h"

#include <algorithm>

#include "base/error.h"
#include "base/random.h"

namespace rl {

BestOfRecommender::BestOfRecommender(std::string name, const recommend::TrainedModel& model,
                                     const reward::RewardModel& reward, int n,
                                     const recommend::ReplyOptions& options)
    : name_(std::move(name)),
      model_(model),
      reward_(reward),
      n_(n),
      replies_(name_ + ", drawn", model, options) {
  if (n < 1) throw base::UsageError("best of ", n, " replies; expected at least 1");
}

std::int64_t BestOfRecommender::open(const dialogue::State& state,
                                     const dialogue::Sampling& sampling) {
  const std::int64_t id = next_id_++;
  Open& open = open_[id];
  open.state = state;
  for (int i = 0; i < n_; ++i) {
    dialogue::Sampling own = sampling;
    own.seed = base::random_key(
        {sampling.seed, "rl/best of n", sampling.stream, static_cast<std::uint64_t>(i)});
    open.drawn.push_back(replies_.open(state, own));
    owner_[open.drawn.back()] = id;
  }
  return id;
}

std::vector<dialogue::ReplyStep> BestOfRecommender::step() {
  std::vector<dialogue::ReplyStep> steps;
  for (const dialogue::ReplyStep& step : replies_.step()) {
    if (!step.finished) continue;
    const std::int64_t id = owner_.at(step.id);
    Open& open = open_.at(id);
    if (++open.finished < open.drawn.size()) continue;
    choose(id, open);
    steps.push_back({id, open.reply.action.text, true});
  }
  return steps;
}

std::vector<double> BestOfRecommender::scores_of(
    const dialogue::State& state, const std::vector<dialogue::Reply>& replies) const {
  std::vector<reward::ScoredReply> scored;
  const std::vector<int> prompt =
      model_.tokens.encode_prompt(state, replies.front().decision.prompt_tokens);
  for (const dialogue::Reply& reply : replies) {
    std::vector<int> ids = prompt;
    ids.insert(ids.end(), reply.decision.tokens.begin(), reply.decision.tokens.end());
    scored.push_back({reply.action, std::move(ids)});
  }
  std::vector<double> scores = reward_.response_scores(scored);
  const torch::Tensor items =
      reward_.item_scores({recommend::context_of(state, reward_.words())})[0].contiguous();
  for (std::size_t i = 0; i < replies.size(); ++i)
    if (replies[i].action.item) scores[i] += items[*replies[i].action.item].item<float>();
  return scores;
}

void BestOfRecommender::choose(std::int64_t id, Open& open) {
  std::vector<dialogue::Reply> replies;
  for (const std::int64_t drawn : open.drawn) {
    owner_.erase(drawn);
    dialogue::Reply reply = replies_.close(drawn);
    if (replies.empty() || reply.action.recommends == replies.front().action.recommends)
      replies.push_back(std::move(reply));
  }
  const std::vector<double> scores = scores_of(open.state, replies);
  const auto best = std::max_element(scores.begin(), scores.end());
  open.reply = std::move(replies[static_cast<std::size_t>(best - scores.begin())]);
  open.reply.id = id;
  open.reply.decision.model = name_;
  open.chosen = true;
  score_sum_ += *best;
  chosen_ += 1;
}

dialogue::Reply BestOfRecommender::close(std::int64_t id) {
  const auto found = open_.find(id);
  base::check(found != open_.end(), "close: no open reply ", id);
  Open& open = found->second;
  if (!open.chosen) choose(id, open);  // ended early: of what was said so far
  dialogue::Reply reply = std::move(open.reply);
  open_.erase(found);
  return reply;
}

}  // namespace rl
